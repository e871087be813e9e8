/**
 * Who does what: a connection stays on the worker that accepted it, its upstream connections belong to that worker alone, main has no
 * proxied byte in its hands, and each log file has a thread.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startRawService } from '../support/lab-server.ts';
import type { RawService } from '../support/lab-server.ts';
import { fileLog, httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { get, pause, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';
const FORMAT = '%REQ(X-ID)% %THREAD_ID% %UPSTREAM_CONNECTION_ID% %CONNECTION_ID%';
const REQUESTS = 1000;
const STRACE = spawnSync('strace', ['-V']).error === undefined;

interface Thread {
  readonly name: string;
  readonly role: string;
  readonly tid: number;
}

async function threadsOf(proxy: RunningProxy): Promise<readonly Thread[]> {
  const { threads } = JSON.parse(await proxy.admin('/threads?format=json')) as { threads: Thread[] };
  return threads;
}

for (const socketInterface of INTERFACES) {
  describe(`threads on the ${socketInterface} interface`, () => {
    let upstream: RawService;
    let proxy: RunningProxy;
    before(async () => {
      upstream = await startRawService(({ socket }) => void socket.write(HELLO));
      const logs = [fileLog('access.log', FORMAT), fileLog('second.log', '%REQ(X-ID)%')];
      const staticResources = httpProxyTo([upstream.port], { manager: { access_log: logs } });
      // No number of workers asked for: two.
      proxy = await startProxy({ staticResources, socketInterface });
    });
    after(async () => {
      await proxy.stop();
      await upstream.stop();
    });

    test('are main, two workers and one for each log file, all of them threads of the process', async () => {
      const client = await RawClient.connect(proxy.port('http'));
      await client.ask(get('/', ['x-id: first']));
      await proxy.logLines(1, 'second.log');
      client.destroy();
      const threads = await threadsOf(proxy);
      const roles = threads.map(({ role }) => role);
      assert.deepEqual(roles.toSorted(), ['log', 'log', 'main', 'worker', 'worker']);
      const tasks = new Set(readdirSync(`/proc/${proxy.pid}/task`).map(Number));
      for (const { name, role, tid } of threads)
        if (role !== 'log') assert.ok(tasks.has(tid), `${name} has tid ${tid}`);
      assert.equal(threads.find(({ role }) => role === 'main')?.tid, proxy.pid);
    });

    test('a connection stays on its worker for 1000 requests; upstream connections are of one worker', async () => {
      const kept = await RawClient.connect(proxy.port('http'));
      for (let count = 0; count < REQUESTS; count += 1) await kept.ask(get('/', ['x-id: kept']));
      kept.destroy();
      // Enough connections at once for either worker to have several.
      const others = await Promise.all(
        Array.from({ length: 40 }, () => RawClient.connect(proxy.port('http'))),
      );
      for (let round = 0; round < 5; round += 1)
        await Promise.all(others.map((client) => client.ask(get('/', ['x-id: other']))));
      for (const client of others) client.destroy();
      const lines = (await proxy.logLines(1 + REQUESTS + 200)).map((line) => line.split(' '));
      const ofKept = lines.filter(([id]) => id === 'kept');
      assert.equal(ofKept.length, REQUESTS);
      assert.equal(new Set(ofKept.map(([, tid]) => tid)).size, 1);
      const ownerOf = new Map<string, Set<string>>();
      const threadOf = new Map<string, Set<string>>();
      for (const [, tid = '', upstreamId = '', connection = ''] of lines) {
        ownerOf.set(upstreamId, (ownerOf.get(upstreamId) ?? new Set()).add(tid));
        threadOf.set(connection, (threadOf.get(connection) ?? new Set()).add(tid));
      }
      assert.ok(
        [...threadOf.values()].every((tids) => tids.size === 1),
        'a connection changed its thread',
      );
      assert.ok(
        [...ownerOf.values()].every((tids) => tids.size === 1),
        'an upstream connection has two',
      );
      assert.equal(new Set(lines.map(([, tid]) => tid)).size, 2, 'only one worker was tried');
    });

    test('main does no socket call while traffic runs', { skip: !STRACE }, async (t) => {
      const worker = (await threadsOf(proxy)).find(({ role }) => role === 'worker');
      assert.ok(worker !== undefined);
      const trace = join(proxy.folder, 'trace');
      // With -ff it takes all threads of the process, each into a file of its own.
      const calls = 'trace=%network,read,write,readv,writev,epoll_wait,epoll_pwait';
      const strace = spawn('strace', ['-ff', '-y', '-e', calls, '-o', trace, '-p', String(proxy.pid)], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      strace.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      const ended = once(strace, 'exit');
      while (strace.exitCode === null && !said.includes('attached')) await pause(5);
      if (strace.exitCode !== null) return t.skip(`strace: ${said}`);
      // Both workers have some of 24 connections, but for one time in eight million.
      const clients = await Promise.all(
        Array.from({ length: 24 }, () => RawClient.connect(proxy.port('http'))),
      );
      for (let round = 0; round < 3; round += 1)
        await Promise.all(clients.map((client) => client.ask(get('/', ['x-id: traced']))));
      for (const client of clients) client.destroy();
      strace.kill('SIGINT');
      await ended;
      const socketCalls = (tid: number): string[] => {
        const path = `${trace}.${tid}`;
        const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
        return lines.filter((line) => /^(?!epoll)\w+\(\d+<(?:socket|TCP|UNIX)/.test(line));
      };
      assert.ok(socketCalls(worker.tid).length > 10, 'the trace shows what a worker does');
      assert.deepEqual(socketCalls(proxy.pid), []);
    });
  });
}
