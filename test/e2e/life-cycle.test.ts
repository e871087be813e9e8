/**
 * The process over its life: logs that are rotated under load, a worker that crashes while the other serves, and starts that fail with a
 * reason. (Drains and signals: `test/server/process.test.ts`.)
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { javascriptFilter, untilSaid, untilStat } from '../support/instrumented.ts';
import { startRawService } from '../support/lab-server.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { HttpOptions, RunningProxy } from '../support/proxy.ts';
import { get, pause, RawClient } from '../support/raw-client.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';
const BIN = fileURLToPath(new URL('../../bin/nodeproxy.js', import.meta.url));
const CRASH = javascriptFilter('crash', new URL('../support/filters/crash.js', import.meta.url).pathname);

async function withProxy(options: HttpOptions, use: (proxy: RunningProxy) => Promise<void>): Promise<void> {
  const upstream = await startRawService(({ socket }) => socket.write(HELLO));
  const proxy = await startProxy({ staticResources: httpProxyTo([upstream.port], options) });
  try {
    await use(proxy);
  } finally {
    await proxy.stop();
    await upstream.stop();
  }
}

test('a log that is rotated ten times under load loses no line and cuts none', async () => {
  await withProxy({ format: '%REQ(X-ID)% %RESPONSE_CODE%' }, async (proxy) => {
    let sent = 0;
    const load = { on: true };
    const clients = Array.from({ length: 4 }, async () => {
      const client = await RawClient.connect(proxy.port('http'));
      while (load.on) {
        sent += 1;
        await client.ask(get('/', [`x-id: ${sent}`]));
      }
      client.destroy();
    });
    for (let rotation = 0; rotation < 10; rotation += 1) {
      await proxy.logLines(1);
      renameSync(join(proxy.folder, 'access.log'), join(proxy.folder, `rotated-${rotation}.log`));
      proxy.kill('SIGUSR1');
      // The new file appears when the signal has come through.
      await proxy.logLines(0);
      await pause(30);
    }
    load.on = false;
    await Promise.all(clients);
    const ids = (): number[] =>
      readdirSync(proxy.folder)
        .filter((file) => file.endsWith('.log'))
        .flatMap((file) => readFileSync(join(proxy.folder, file), 'utf8').split('\n').slice(0, -1))
        .map((line) => Number(/^(\d+) 200$/.exec(line)?.[1] ?? assert.fail(`not a line: ${line}`)));
    const until = Date.now() + 10_000;
    while (ids().length < sent && Date.now() < until) await pause(25);
    assert.deepEqual(
      ids().sort((a, b) => a - b),
      Array.from({ length: sent }, (_, index) => index + 1),
    );
  });
});

describe('a worker that crashes', () => {
  for (const how of ['timer', 'reject', 'exit']) {
    test(`by ${how} is logged, counted and replaced, while the other one serves`, async () => {
      const format = '%THREAD_ID% %REQ(X-CRASH)% %RESPONSE_CODE%';
      await withProxy({ filters: [CRASH], format }, async (proxy) => {
        const port = proxy.port('http');
        const [victim, survivor] = await onEachThread(proxy, port);
        victim.write(get('/', [`x-crash: ${how}`]));
        await victim.closed();
        // The connection on the other thread feels nothing, and the port answers all the time.
        for (let count = 0; count < 20; count += 1) {
          assert.equal((await survivor.ask(get('/'))).status, 200);
        }
        await untilStat(proxy, 'server.worker_restarts', 1);
        await untilSaid(
          proxy,
          how === 'exit'
            ? /\(tid \d+\) .*7/
            : /worker_\d \(tid \d+\) crashed: InvariantError: crash on demand/,
        );
        await untilSaid(proxy, /all workers accept[^]*worker_\d ready/);
        const fresh = await onEachThread(proxy, port);
        for (const client of [...fresh, survivor]) client.destroy();
        assert.equal((await proxy.admin('/ready')).trim(), 'LIVE');
      });
    });
  }
});

/** Two connections that different threads serve. */
async function onEachThread(proxy: RunningProxy, port: number): Promise<[RawClient, RawClient]> {
  const before = (await proxy.logLines(0)).length;
  const first = await RawClient.connect(port);
  await first.ask(get('/'));
  for (let tries = 1; tries < 200; tries += 1) {
    const other = await RawClient.connect(port);
    await other.ask(get('/'));
    const lines = (await proxy.logLines(before + tries + 1)).slice(before);
    const threads = lines.map((line) => line.split(' ')[0]);
    if (new Set(threads).size === 2) return [first, other];
    other.destroy();
  }
  return assert.fail('one thread serves everything');
}

describe('a start that cannot be', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-start-'));
  const file = join(folder, 'broken.yaml');

  function run(
    args: readonly string[],
    text = '',
  ): { readonly status: number | null; readonly said: string } {
    writeFileSync(file, text);
    const env = { ...process.env, NODEPROXY_SOURCE: '1' };
    const { status, stderr, stdout } = spawnSync(process.execPath, [BIN, ...args], {
      env,
      encoding: 'utf8',
      timeout: 30_000,
    });
    return { status, said: stderr + stdout };
  }

  test('a field that Envoy has not: its path, file, line and column', () => {
    const text = 'static_resources:\n  listeners:\n    - name: a\n      adress: {}\n';
    const { status, said } = run(['run', '-c', file], text);
    assert.equal(status, 1);
    assert.match(said, /static_resources\.listeners\[0\]\.adress/);
    assert.match(said, /broken\.yaml:4:7/);
    assert.equal(run(['validate', file], text).status, 1);
  });

  test('text that is no YAML, and a file that is not there', () => {
    const broken = run(['run', '-c', file], 'a: [\n');
    assert.equal(broken.status, 1);
    assert.match(broken.said, /broken\.yaml:\d+:\d+/);
    const missing = run(['run', '-c', join(folder, 'missing.yaml')]);
    assert.equal(missing.status, 1);
    assert.match(missing.said, /missing\.yaml/);
  });

  test('a flag that is none: the nearest one, and exit code 2', () => {
    const { status, said } = run(['run', '--concurency', '2']);
    assert.equal(status, 2);
    assert.match(said, /unknown option --concurency.*--concurrency/s);
    assert.equal(run(['run', '--concurrency', 'many']).status, 2);
    assert.equal(run(['fly']).status, 2);
  });

  test('and leaves nothing behind', () => rmSync(folder, { recursive: true }));
});
