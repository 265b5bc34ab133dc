// The other ways in: the keyboard alone, a browser without scripts, kubectl and windlass; and those who are kept out.
import { spawn } from 'node:child_process';
import http from 'node:http';
import path from 'node:path';
import { assert, button, kubeconfig, kubectl, look, of, page, pictures, portal, program, reach, ready, source, step, until, windlass, withoutScript } from './stage.mjs';

await step('the keyboard alone makes one', async () => {
  await page.goto(new URL('/', portal).href);
  const main = page.getByRole('main');
  for (const [link, leads] of [
    [page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Create' }), /\/templates$/],
    [main.getByRole('link', { name: /Web application/ }), /\/templates\/web-app$/],
    [main.getByRole('link', { name: 'Ask for one' }), /\/templates\/web-app\/new$/],
  ]) {
    await reach(link);
    await page.keyboard.press('Enter');
    await page.waitForURL(leads);
  }
  await reach(page.getByLabel('Name', { exact: true }));
  await page.keyboard.type('kept');
  await reach(page.getByLabel(/^Directory/));
  await page.keyboard.type(source);
  await reach(button('See the plan'));
  await page.keyboard.press('Enter');
  await reach(button('Make it'));
  await page.keyboard.press('Enter');
  await ready('kept');
});

await step('what the portal does shows at the other doors within 1 s', async () => {
  const doors = [[program, ['get', 'webapp', 'kept', '-o', 'jsonpath={.spec.size}{"\\n"}', '--watch']], [windlass, ['get', 'webapp', 'kept', '-o', 'jsonpath={.spec.size}{"\\n"}', '--watch']]];
  const seen = doors.map(([command, args]) => {
    const child = spawn(command, args, { env: { ...process.env, KUBECONFIG: kubeconfig } });
    const watcher = { child, text: '', at: 0 };
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (part) => {
      watcher.text += part;
      if (part.includes('M') && !watcher.at) watcher.at = Date.now();
    });
    return watcher;
  });
  try {
    await until('both look on', () => seen.every(({ text }) => text.includes('S')));
    await page.goto(`${of('kept')}/edit`);
    await page.getByRole('radio', { name: /^M\b/ }).check();
    await button('See the plan').click();
    await button('Change it').waitFor();
    const began = Date.now();
    await button('Change it').click();
    await until('both saw it', () => seen.every(({ at }) => at > 0));
    const took = seen.map(({ at }) => at - began);
    assert(took.every((time) => time < 1000), `it took ${took.join(' and ')} ms`);
    await ready('kept');
    return `kubectl ${took[0]} ms, windlass ${took[1]} ms`;
  } finally {
    for (const { child } of seen) child.kill();
  }
});

await step('a deletion that needs approval is asked for, approved and done, without any script', async () => {
  kubectl('annotate', 'webapp', 'kept', 'windlass.dev/approval=destructive');
  let refused = '';
  try {
    kubectl('delete', 'webapp', 'kept');
  } catch (error) {
    refused = error.stderr;
  }
  assert(refused.includes('windlass run approve --delete webapp/kept -n default'), `kubectl delete was answered: ${refused}`);
  const { still, press, close } = await withoutScript();
  await still.goto(of('kept'));
  await press('Delete…');
  await still.getByLabel(/^Why/).fill('nobody needs it');
  await page.goto(still.url());
  await look('approve-delete');
  await page.goto(new URL('/', portal).href);
  await look('home-needs');
  await press('Approve the deletion');
  await still.getByText('nobody needs it').waitFor();
  await page.goto(still.url());
  await look('approved-delete');
  await press('Delete kept');
  await until('it is gone', () => kubectl('get', 'webapps', '-A', '-o', 'name') === '', 60_000);
  await close();
});

await step('without any script one is made, changed and deleted', async () => {
  const { still, press, close } = await withoutScript();
  await still.goto(new URL('/templates/web-app/new', portal).href);
  await still.getByLabel('Name', { exact: true }).fill('plain');
  await still.getByLabel(/^Directory/).fill(source);
  await press('See the plan');
  await still.screenshot({ path: path.join(pictures, 'plan-without-script.png'), fullPage: true });
  await press('Make it');
  await ready('plain');
  await still.goto(`${of('plain')}/edit`);
  await still.getByRole('radio', { name: /^M\b/ }).check();
  await press('See the plan');
  await press('Change it');
  await until('it is M', () => kubectl('get', 'webapp', 'plain', '-o', 'jsonpath={.status.state}/{.spec.size}/{.status.readyReplicas}').startsWith('Ready/M'));
  await still.goto(of('plain'));
  await still.getByText('Ready', { exact: true }).first().waitFor();
  await press('Delete…');
  await press('Delete plain');
  await until('it is gone', () => kubectl('get', 'webapps', '-A', '-o', 'name') === '', 60_000);
  await close();
});

await step('foreign hosts and origins are refused', async () => {
  const { host, port } = new URL(portal);
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const ask = (method, headers) => new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path: '/instances', method, headers: { cookie, host, ...headers }, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    request.on('error', reject);
    request.end();
  });
  assert(await ask('GET', {}) === 200, 'the session itself does not work');
  assert(await ask('GET', { host: `evil.example:${port}` }) === 421, 'a foreign host was answered');
  assert(await ask('POST', { origin: 'http://evil.example' }) === 403, 'a foreign origin may write');
  const other = await fetch(new URL('/', portal), { redirect: 'manual' });
  const policy = other.headers.get('content-security-policy') ?? '';
  assert(policy.includes("default-src 'none'") && !policy.includes('unsafe'), `the policy is: ${policy}`);
});
