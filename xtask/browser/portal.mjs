// Somebody who has never seen Windlass, with a mouse: sign in, pick a template, set two values, see the plan, get a running
// application, make it larger, delete it without a trace.
import { assert, browser, button, fourAnswer, get, kubectl, look, noTrace, page, portal, processes, ready, run, source, step, until, windlass } from './stage.mjs';

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
  const pids = await fourAnswer(url);
  await ready('shop');
  return pids;
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

await step('no trace is left but the last Delete Run', () => noTrace('shop', address, url));
