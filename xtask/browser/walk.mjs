// The walk through Windlass as people take it, in a real browser and with real programs. Started by `cargo xtask browser`, which
// gives the settings. Each step is a test; one that fails ends the walk, as later ones need it.
import { assert, finish, problems, step } from './stage.mjs';

await import('./portal.mjs');
await import('./programs.mjs');
await import('./doors.mjs');

await step('pages reported no error of their own', async () => {
  assert(problems.length === 0, problems.join('\n'));
});

await finish();
