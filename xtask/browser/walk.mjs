// The walk of somebody who has never seen Windlass: sign in, pick a template, set two values, see the plan, get a running
// application, make it larger, delete it without a trace. Started by `cargo xtask browser`, which gives the settings.
// Each step is a test; what people see is kept as pictures, and every page is checked by axe.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const { portal, kubeconfig, apps, source, pictures, marker, windlass, kubectl: program, chromium: executablePath } = JSON.parse(process.env.WINDLASS_WALK);
const limit = 30_000;

let passed = 0;
const failures = [];

/** Runs a step; later ones need it, so the first failure ends the walk. */
async function step(name, act) {
  if (failures.length > 0) return;
  try {
    const said = await act();
    passed += 1;
    console.log(`test browser::${name} ... ok${said ? ` (${said})` : ''}`);
  } catch (error) {
    failures.push([name, error]);
    console.log(`test browser::${name} ... FAILED`);
    await page.screenshot({ path: path.join(pictures, `failed-${name}.png`), fullPage: true }).catch(() => {});
  }
}

function assert(condition, message) {
  if (!condition) throw new Error(message);
}

function run(command, ...args) {
  return execFileSync(command, args, { env: { ...process.env, KUBECONFIG: kubeconfig }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}
const kubectl = (...args) => run(program, ...args);

/** Asks again until there is an answer; fails with the last problem when the time is over. */
async function until(what, ask, time = limit) {
  const end = Date.now() + time;
  for (let last; ; ) {
    try {
      const answer = await ask();
      if (answer) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${time / 1000} s${last ? `: ${last.message}` : ''}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

/** One request as a program makes it. */
function get(port, host, where = '/') {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path: where, headers: { host }, agent: false, timeout: 5000 }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part) => { body += part; });
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}

/** Processes that carry the app's marker in their command line: its own, its children's, however they were started. */
function processes() {
  const found = [];
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const line = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      if (line.includes(marker) && Number(pid) !== process.pid) found.push(`${pid} ${line}`);
    } catch {
      // It ended while it was looked at.
    }
  }
  return found;
}

const browser = await chromium.launch({
  executablePath,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--host-resolver-rules=MAP *.localhost 127.0.0.1',
  ],
});
const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
page.setDefaultTimeout(limit);
const problems = [];
page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`));
page.on('console', (message) => {
  if (message.type() === 'error' && !/status of [45]\d\d/.test(message.text())) problems.push(`${page.url()}: ${message.text()}`);
});

/** Pictures of the page wide and narrow, light and dark; what axe says of it; nothing scrolls sideways. */
async function look(name) {
  for (const [size, width, height] of [['wide', 1280, 900], ['narrow', 390, 844]]) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: path.join(pictures, `${name}-${size}-${colorScheme}.png`), fullPage: true });
      // From outside, as the browser's own tools do: the page's policy lets no foreign script in.
      await page.evaluate(axe);
      const found = await page.evaluate(async () => {
        const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
        return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ target }) => target.join(' ')).join(', ')}`);
      });
      assert(found.length === 0, `${name}, ${size}, ${colorScheme}: ${found.join('; ')}`);
    }
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert(sideways <= 0, `${name}, ${size}: scrolls ${sideways} px sideways`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
}

const button = (name) => page.getByRole('main').getByRole('button', { name, exact: true });
const heading = (name) => page.getByRole('heading', { level: 1, name });
const instance = new URL('/instances/platform.windlass.dev/WebApp/default/shop', portal).href;
let address = '';
let url = '';

await step('a page without a session says how to get in', async () => {
  await page.goto(new URL('/', portal).href);
  await page.getByText('windlass up').first().waitFor();
});

await step('the link signs in, once', async () => {
  await page.goto(portal);
  await look('login');
  await page.getByRole('main').getByRole('button').first().click();
  await page.getByRole('navigation', { name: 'Main' }).waitFor();
  await look('home-empty');
  const other = await (await browser.newContext()).newPage();
  await other.goto(portal);
  await other.getByRole('main').getByRole('button').first().click();
  await other.getByText(/used|old|again|expired/i).first().waitFor();
  assert(!(await other.getByRole('navigation', { name: 'Main' }).isVisible()), 'the link worked twice');
  await other.context().close();
});

await step('the catalogue shows the starter templates', async () => {
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Create' }).click();
  await page.getByText('Web application').first().waitFor();
  await page.getByText('Static site').first().waitFor();
  await look('templates');
});

await step('a wrong value is refused beside its field', async () => {
  await page.goto(new URL('/templates/web-app/new', portal).href);
  await page.getByLabel('Name', { exact: true }).fill('Shop!');
  await page.getByLabel(/^Directory/).fill(source);
  await button('See the plan').click();
  await page.locator('#f-name-wrong').filter({ hasText: /./ }).waitFor();
  await look('form-wrong');
});

await step('two values give a plan', async () => {
  await page.getByLabel('Name', { exact: true }).fill('shop');
  await page.getByLabel(/^Directory/).fill(source);
  await page.getByRole('radio', { name: /^S\b/ }).check();
  await look('form');
  await button('See the plan').click();
  await button('Make it').waitFor();
  assert(kubectl('get', 'webapps', '-o', 'name') === '', 'something was made before the plan was seen');
  await look('plan');
});

await step('the plan is carried out and shown while it goes on', async () => {
  await button('Make it').click();
  await until('the run succeeds', () => kubectl('get', 'webapp', 'shop', '-o', 'jsonpath={.status.state}') === 'Ready');
  address = kubectl('get', 'webapp', 'shop', '-o', 'jsonpath={.status.address}');
  url = kubectl('get', 'webapp', 'shop', '-o', 'jsonpath={.status.url}');
  await page.goto(new URL(`/runs/default/${kubectl('get', 'webapp', 'shop', '-o', 'jsonpath={.status.lastRun}')}`, portal).href);
  await page.getByText(/Succeeded|Done/).first().waitFor();
  await look('run');
});

await step('the instance and its parts are shown', async () => {
  await page.goto(instance);
  await heading('shop').waitFor();
  await page.getByText('Ready', { exact: true }).first().waitFor();
  await look('instance');
  for (const tab of ['runs', 'events', 'yaml']) {
    await page.goto(`${instance}?tab=${tab}`);
    await heading('shop').waitFor();
    await look(`instance-${tab}`);
  }
});

await step("the app's own page loads by its name and by its address", async () => {
  const app = await browser.newPage();
  await app.goto(url);
  await app.getByRole('heading', { name: 'A small shop' }).waitFor();
  await app.close();
  const { status, body } = await get(address.split(':')[1], address);
  assert(status === 200 && body.includes('A small shop'), `the address answers ${status}`);
});

await step('a change by kubectl and one by windlass show in the open page within 1 s', async () => {
  await page.goto(instance);
  await heading('shop').waitFor();
  const changed = async (what, act, shows) => {
    const began = Date.now();
    act();
    await shows.waitFor({ timeout: 5000 });
    const took = Date.now() - began;
    assert(took < 1000 + 400, `${what} took ${took} ms to show`); // 400 ms for the program's own start
    return took;
  };
  const facts = page.locator('dl.facts').first();
  const first = await changed('kubectl', () => kubectl('patch', 'webapp', 'shop', '--type=merge', '-p', '{"spec":{"size":"M"}}'), facts.getByText('M', { exact: true }));
  await until('it is ready again', () => kubectl('get', 'webapp', 'shop', '-o', 'jsonpath={.status.state}/{.spec.size}') === 'Ready/M' && processes().length > 0);
  const second = await changed('windlass', () => run(windlass, 'new', 'web-app', 'shop', '--size', 'S', '--yes', '--no-wait'), facts.getByText('S', { exact: true }));
  await until('it is ready again', () => kubectl('get', 'webapp', 'shop', '-o', 'jsonpath={.status.state}/{.spec.size}/{.status.observedGeneration}') === `Ready/S/${kubectl('get', 'webapp', 'shop', '-o', 'jsonpath={.metadata.generation}')}`);
  return `${first} ms and ${second} ms`;
});

await step('size S to L is planned, then four processes answer', async () => {
  await page.goto(`${instance}/edit`);
  await page.getByRole('radio', { name: /^L\b/ }).check();
  await look('change');
  await button('See the plan').click();
  await button('Change it').waitFor();
  await page.getByText('size L').first().waitFor();
  await look('plan-change');
  await button('Change it').click();
  const pids = new Set();
  const port = new URL(url).port;
  await until('four processes answer', async () => {
    const { status, body } = await get(port, new URL(url).host, '/pid');
    if (status === 200) pids.add(body);
    const running = processes().filter((line) => line.includes('server.mjs')).map((line) => line.split(' ')[0]);
    return running.length === 4 && running.every((pid) => pids.has(pid));
  }, 60_000);
  await until('it is ready', () => kubectl('get', 'webapp', 'shop', '-o', 'jsonpath={.status.state}') === 'Ready');
  return [...pids].slice(-4).join(', ');
});

await step('lists and help', async () => {
  for (const [name, where] of [['home', '/'], ['instances', '/instances'], ['runs', '/runs'], ['template', '/templates/web-app'], ['help', '/help'], ['absent', '/nothing/here']]) {
    await page.goto(new URL(where, portal).href);
    await page.getByRole('main').waitFor();
    await look(name);
  }
});

await step('it is deleted, and what goes is said first', async () => {
  assert(processes().length >= 12, `four replicas with two children each should run, not ${processes().length}`);
  await page.goto(instance);
  await button('Delete…').click();
  await button('Delete shop').waitFor();
  await look('plan-delete');
  await button('Delete shop').click();
  await until('it is gone', () => kubectl('get', 'webapps', '-A', '-o', 'name') === '', 60_000);
});

await step('no trace is left but the last Delete Run', async () => {
  await until('no process', () => { const left = processes(); if (left.length > 0) throw new Error(left.join('; ')); return true; });
  const gone = await get(address.split(':')[1], address).then(({ status }) => status, () => 'nobody');
  assert(gone === 'nobody', `the address still answers ${gone}`);
  const { status } = await get(new URL(url).port, new URL(url).host);
  assert(status === 404, `the name still answers ${status}`);
  assert(kubectl('get', 'inventories', '-A', '-o', 'name') === '', 'an inventory is left');
  const runs = kubectl('get', 'runs', '-A', '-o', 'jsonpath={range .items[*]}{.spec.mode}/{.spec.cause} {end}').split(' ').filter((word) => word.startsWith('Execute/'));
  assert(runs.length === 1 && runs[0] === 'Execute/Delete', `Runs are left: ${runs.join(', ')}`);
  const left = fs.readdirSync(path.dirname(kubeconfig), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !/^store|\.log$/.test(entry.name)).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
  const files = left.filter((file) => fs.readFileSync(file, 'utf8').includes(marker));
  assert(files.length === 0, `files are left: ${files.join(', ')}`);
});

await step('pages reported no error of their own', async () => {
  assert(problems.length === 0, problems.join('\n'));
});

await browser.close();
for (const [name, error] of failures) console.log(`\n---- browser::${name} ----\n${error.stack}`);
console.log(`\ntest result: ${failures.length ? 'FAILED' : 'ok'}. ${passed} passed; ${failures.length} failed; 0 ignored; 0 measured; 0 filtered out`);
process.exitCode = failures.length ? 1 : 0;
