// The same way as in the portal, by kubectl and by windlass: make, see what a change does before it happens, change, delete.
import { execFileSync } from 'node:child_process';
import { assert, fourAnswer, get, kubeconfig, kubectl, noTrace, processes, program, ready, run, source, step, until, windlass } from './stage.mjs';

const app = (name, size) => ({ apiVersion: 'platform.windlass.dev/v1alpha1', kind: 'WebApp', metadata: { name, namespace: 'default' }, spec: { source, size } });
const feed = (object, ...args) => execFileSync(program, [...args, '-f', '-'], { env: { ...process.env, KUBECONFIG: kubeconfig }, input: JSON.stringify(object), encoding: 'utf8' });

async function answers(name) {
  const [address, url] = kubectl('get', 'webapp', name, '-o', 'jsonpath={.status.address} {.status.url}').split(' ');
  const { status, body } = await get(new URL(url).port, new URL(url).host);
  assert(status === 200 && body.includes('A small shop'), `${url} answers ${status}`);
  return { address, url };
}

await step('kubectl makes one, plans and makes it larger, and deletes it without a trace', async () => {
  feed(app('cube', 'S'), 'apply');
  kubectl('wait', 'webapp/cube', '--for=condition=Ready', '--timeout=60s');
  const { address, url } = await answers('cube');
  const before = processes().length;
  const { apiVersion, kind, metadata } = app('cube', 'L');
  feed({ apiVersion: 'windlass.dev/v1alpha1', kind: 'Run', metadata: { name: 'larger' }, spec: { mode: 'Plan', instance: { apiVersion, kind, ...metadata }, proposal: app('cube', 'L') } }, 'create');
  kubectl('wait', 'run/larger', '--for=condition=Succeeded', '--timeout=30s');
  const planned = JSON.parse(kubectl('get', 'run', 'larger', '-o', 'json')).status.plan;
  const made = planned.nodes.flatMap(({ effects }) => effects).filter(({ action }) => action === 'create').map(({ key }) => key);
  assert(['app/replica-1', 'app/replica-2', 'app/replica-3'].every((key) => made.includes(key)), `the plan makes ${made.join(', ')}`);
  assert(processes().length === before, 'a plan started something');
  kubectl('patch', 'webapp', 'cube', '--type=merge', '-p', '{"spec":{"size":"L"}}');
  const pids = await fourAnswer(url);
  kubectl('delete', 'webapp', 'cube', '--timeout=60s');
  await noTrace('cube', address, url);
  return pids;
});

await step('windlass makes one, plans and makes it larger, and deletes it without a trace', async () => {
  const planned = run(windlass, 'new', 'web-app', 'wind', '--set', `source=${source}`, '--size', 'S', '--plan-only');
  assert(planned.includes('+ create app') && kubectl('get', 'webapps', '-o', 'name') === '', `the plan is: ${planned}`);
  run(windlass, 'new', 'web-app', 'wind', '--set', `source=${source}`, '--size', 'S', '--yes');
  await ready('wind');
  const { address, url } = await answers('wind');
  const before = processes().length;
  const larger = run(windlass, 'new', 'web-app', 'wind', '--size', 'L', '--plan-only');
  assert(larger.includes('replicas: 1 → 4') && processes().length === before, `the plan is: ${larger}`);
  run(windlass, 'new', 'web-app', 'wind', '--size', 'L', '--yes');
  const pids = await fourAnswer(url);
  assert(run(windlass, 'get', 'webapp', 'wind').includes('Ready'), 'windlass get does not say that it is ready');
  run(windlass, 'delete', 'webapp/wind');
  await until('it is gone', () => kubectl('get', 'webapps', '-A', '-o', 'name') === '');
  await noTrace('wind', address, url);
  return pids;
});
