// What every part of the walk needs: steps that are tests, waiting, the app's processes, the programs, a browser and its page.
// What people see is kept as pictures, and every page is checked by axe.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
export const { portal, kubeconfig, source, pictures, marker, windlass, kubectl: program, chromium: executablePath } = JSON.parse(process.env.WINDLASS_WALK);
export const limit = 30_000;

let passed = 0;
const failures = [];

/** Runs a step; later ones need it, so the first failure ends the walk. */
export async function step(name, act) {
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

export function assert(condition, message) {
  if (!condition) throw new Error(message);
}

export function run(command, ...args) {
  return execFileSync(command, args, { env: { ...process.env, KUBECONFIG: kubeconfig }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}
export const kubectl = (...args) => run(program, ...args);

/** Asks again until there is an answer; fails with the last problem when the time is over. */
export async function until(what, ask, time = limit) {
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
export function get(port, host, where = '/') {
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
export function processes() {
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

export const browser = await chromium.launch({
  executablePath,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--host-resolver-rules=MAP *.localhost 127.0.0.1',
  ],
});
export const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
page.setDefaultTimeout(limit);
export const problems = [];
page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`));
page.on('console', (message) => {
  if (message.type() === 'error' && !/status of [45]\d\d/.test(message.text())) problems.push(`${page.url()}: ${message.text()}`);
});

/** Pictures of the page wide and narrow, light and dark; what axe says of it; nothing scrolls sideways. */
export async function look(name) {
  for (const [size, width, height] of [['wide', 1280, 900], ['narrow', 390, 844]]) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: path.join(pictures, `${name}-${size}-${colorScheme}.png`), fullPage: true });
      // From outside, as the browser's own tools do: the page's policy lets no foreign script in.
      await page.evaluate(axe);
      const found = await page.evaluate(async () => {
        const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
        return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ target }) => target.join(' ')).join(', ')}`);
      });
      assert(found.length === 0, `${name}, ${size}, ${colorScheme}: ${found.join('; ')}`);
    }
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert(sideways <= 0, `${name}, ${size}: scrolls ${sideways} px sideways`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
}

export const button = (name) => page.getByRole('main').getByRole('button', { name, exact: true });
export const ready = (name) => until(`${name} is ready`, () => kubectl('get', 'webapp', name, '-o', 'jsonpath={.status.state}') === 'Ready');
export const of = (name) => new URL(`/instances/platform.windlass.dev/WebApp/default/${name}`, portal).href;

/** Waits until four processes answer through the gateway, and all that run are among them. */
export async function fourAnswer(url) {
  const { host, port } = new URL(url);
  const pids = new Set();
  let running = [];
  await until('four processes answer', async () => {
    const { status, body } = await get(port, host, '/pid');
    if (status === 200) pids.add(body);
    running = processes().filter((line) => line.includes('server.mjs')).map((line) => line.split(' ')[0]);
    return running.length === 4 && running.every((pid) => pids.has(pid));
  }, 60_000);
  return running.join(', ');
}

/** Nothing is left of an instance: no process, address, name, file or object, but its last Delete Run. */
export async function noTrace(name, address, url) {
  await until('no process', () => { const left = processes(); if (left.length > 0) throw new Error(left.join('; ')); return true; });
  const gone = await get(address.split(':')[1], address).then(({ status }) => status, () => 'nobody');
  assert(gone === 'nobody', `the address still answers ${gone}`);
  const { status } = await get(new URL(url).port, new URL(url).host);
  assert(status === 404, `the name still answers ${status}`);
  assert(kubectl('get', 'inventories', '-A', '-o', 'name') === '', 'an inventory is left');
  const runs = kubectl('get', 'runs', '-A', '-o', `jsonpath={range .items[?(@.spec.instance.name=="${name}")]}{.spec.mode}/{.spec.cause} {end}`).split(' ').filter((word) => word.startsWith('Execute/'));
  assert(runs.length === 1 && runs[0] === 'Execute/Delete', `Runs are left: ${runs.join(', ')}`);
  const left = fs.readdirSync(path.dirname(kubeconfig), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !/^store|\.log$/.test(entry.name)).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
  const files = left.filter((file) => fs.readFileSync(file, 'utf8').includes(marker));
  assert(files.length === 0, `files are left: ${files.join(', ')}`);
}

/** Presses Tab until the element has the focus, as somebody does who uses no mouse. */
export async function reach(element) {
  await element.waitFor();
  for (let pressed = 0; pressed < 80; pressed += 1) {
    if (await element.evaluate((node) => node === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no Tab leads to ${element}`);
}

/** A page that runs no script, with the same session. */
export async function withoutScript() {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
  await context.addCookies(await page.context().cookies());
  const still = await context.newPage();
  still.setDefaultTimeout(limit);
  const press = (name) => still.getByRole('main').getByRole('button', { name, exact: true }).click();
  return { still, press, close: () => context.close() };
}

/** Ends the walk: what failed, and the count. */
export async function finish() {
  await browser.close();
  for (const [name, error] of failures) console.log(`\n---- browser::${name} ----\n${error.stack}`);
  console.log(`\ntest result: ${failures.length ? 'FAILED' : 'ok'}. ${passed} passed; ${failures.length} failed; 0 ignored; 0 measured; 0 filtered out`);
  process.exitCode = failures.length ? 1 : 0;
}
