/** Every file in config/ boots as it is, but for its ports and paths, and its HTTP listeners answer. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, request } from 'undici';
import { startDemoService } from '../support/lab-server.ts';
import type { DemoService } from '../support/lab-server.ts';
import { pause, RawClient } from '../support/raw-client.ts';

const CONFIG = fileURLToPath(new URL('../../config/', import.meta.url));
const BIN = fileURLToPath(new URL('../../bin/nodeproxy.js', import.meta.url));
const GUARD_MS = 30_000;

let upstream: DemoService;
before(async () => {
  upstream = await startDemoService('upstream');
});
after(() => upstream.stop());

for (const name of readdirSync(CONFIG).filter((file) => file.endsWith('.yaml'))) {
  test(`config/${name} boots and serves`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-sample-'));
    const file = join(folder, name);
    const text = readFileSync(CONFIG + name, 'utf8');
    writeFileSync(file, moved(text, folder));
    // The upstream of the sample for unix sockets.
    const local = await startDemoService('local', { path: join(folder, 'nodeproxy-upstream.sock') });
    const args = [BIN, 'run', '-c', file, '--admin-address-path', join(folder, 'admin.txt')];
    const child = spawn(process.execPath, args, {
      env: { ...process.env, NODEPROXY_SOURCE: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'exit');
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (output += piece));
    try {
      const until = Date.now() + GUARD_MS;
      while (!output.includes('all workers accept')) {
        assert.ok(child.exitCode === null && Date.now() < until, `did not start:\n${output}`);
        await pause(10);
      }
      const admin = readFileSync(join(folder, 'admin.txt'), 'utf8').trim();
      for (const listener of await listenersOf(admin)) await serves(listener, text);
    } finally {
      child.kill('SIGTERM');
    }
    const hurry = setTimeout(() => child.kill('SIGTERM'), 2000);
    const [code] = (await ended) as [number | null];
    clearTimeout(hurry);
    await local.stop();
    assert.equal(code, 0, output);
    rmSync(folder, { recursive: true });
  });
}

/** Listeners and admin on ports of the kernel's choice, upstreams to the demo service, files into the folder of the test. */
function moved(text: string, folder: string): string {
  const [listeners = '', ...clusters] = text.split(/^ {2}clusters:$/m);
  const own = listeners
    .replace(/port_value: \d+/g, 'port_value: 0')
    .replaceAll('module: filters/', `module: ${CONFIG}filters/`);
  const theirs = clusters.join('').replace(/port_value: \d+/g, `port_value: ${upstream.port}`);
  return (clusters.length === 0 ? own : `${own}  clusters:${theirs}`).replaceAll('/tmp/', `${folder}/`);
}

async function listenersOf(admin: string): Promise<string[]> {
  const { body } = await request(`http://${admin}/listeners`);
  const text = await body.text();
  const addresses = text
    .trim()
    .split('\n')
    .map((line) => line.slice(line.indexOf('::') + 2));
  assert.ok(addresses.length > 0 && addresses.every((address) => address !== ''), text);
  return addresses;
}

async function serves(address: string, config: string): Promise<void> {
  if (config.includes('filters.network.echo')) {
    const client = await RawClient.connect(Number(address.split(':').at(-1)));
    client.write('hello there');
    await client.until(/^hello there$/);
    client.destroy();
    return;
  }
  const client = address.startsWith('/')
    ? new Client('http://localhost', { socketPath: address })
    : new Client(`http://127.0.0.1:${address.split(':').at(-1) ?? ''}`);
  let answer = await client.request({ path: '/', method: 'GET' });
  let body = await answer.body.text();
  // The sample that injects faults answers some requests so.
  for (let tries = 0; tries < 5 && body === 'fault filter abort'; tries += 1) {
    answer = await client.request({ path: '/', method: 'GET' });
    body = await answer.body.text();
  }
  assert.equal(answer.statusCode, 200, body);
  assert.equal(body, 'Hello world\n');
  await client.close();
}
