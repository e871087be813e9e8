/**
 * Ten thousand connections that do nothing: they cost little, all of them work when they wake up, and their memory serves the next
 * ten thousand.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { javascriptFilter, untilStat } from '../support/instrumented.ts';
import { get, pause, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const CONNECTIONS = 10_000;
/** Connects under way at once: fewer than the backlog of the listener holds. */
const AT_ONCE = 100;
const KIB = 1024;
const ACTIVE = 'http.ingress.downstream_cx_active';
const DIRECT = {
  route_config: {
    name: 'routes',
    virtual_hosts: [
      {
        name: 'all',
        domains: ['*'],
        routes: [
          { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'awake' } } },
        ],
      },
    ],
  },
};
const COLLECT = javascriptFilter(
  'collect',
  new URL('../support/filters/collect.js', import.meta.url).pathname,
);
/** Bytes that the worker holds for an idle connection: what was measured, doubled. */
const BOUNDS = { syscall: 8 * KIB, portable: 16 * KIB };
/** Bytes that may be left of ten thousand: timers, pools of memory, compiled code. */
const LEFT = 8 * KIB * KIB;

interface Memory {
  readonly name: string;
  readonly heap_used: string;
  readonly external: string;
}

for (const socketInterface of INTERFACES) {
  test(`${CONNECTIONS} idle connections, twice (${socketInterface})`, async (t) => {
    const proxy = await startProxy({
      socketInterface,
      // One worker, so that all of its memory is looked at.
      concurrency: 1,
      staticResources: httpProxyTo([1], { manager: DIRECT, format: '%RESPONSE_CODE%', filters: [COLLECT] }),
    });
    try {
      const port = proxy.port('http');
      await heldBy(proxy);
      const before = await heldBy(proxy);
      for (let round = 1; round <= 2; round += 1) {
        const sockets = await openAll(port);
        await untilStat(proxy, ACTIVE, CONNECTIONS);
        const each = Math.round(((await heldBy(proxy)) - before) / CONNECTIONS);
        await wakeAll(sockets);
        for (const socket of sockets) socket.destroy();
        await untilNone(() => proxy.stat(ACTIVE));
        const left = (await heldBy(proxy)) - before;
        t.diagnostic(`${each} bytes held for an idle connection, ${left} bytes left behind`);
        assert.ok(each < BOUNDS[socketInterface], `${each} bytes a connection`);
        assert.ok(left < LEFT, `${left} bytes left`);
      }
    } finally {
      await proxy.stop();
    }
  });
}

/** Bytes of the worker's heap and beside it that are no garbage. */
async function heldBy(proxy: RunningProxy): Promise<number> {
  const client = await RawClient.connect(proxy.port('http'));
  await client.ask(get('/', ['x-collect: now']));
  client.destroy();
  await untilNone(async () => ((await proxy.stat(ACTIVE)) > CONNECTIONS ? 1 : 0));
  const { threads } = JSON.parse(await proxy.admin('/memory')) as { readonly threads: readonly Memory[] };
  const worker = threads.find(({ name }) => name === 'worker_0');
  assert.ok(worker !== undefined);
  return Number(worker.heap_used) + Number(worker.external);
}

async function openAll(port: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < CONNECTIONS) {
    const batch = Array.from({ length: AT_ONCE }, () => connect(port, '127.0.0.1'));
    await Promise.all(batch.map((socket) => once(socket, 'connect')));
    sockets.push(...batch);
  }
  return sockets;
}

async function wakeAll(sockets: readonly Socket[]): Promise<void> {
  for (let from = 0; from < sockets.length; from += AT_ONCE) {
    const batch = sockets.slice(from, from + AT_ONCE);
    for (const socket of batch) socket.write(get('/'));
    const answers = await Promise.all(batch.map((socket) => once(socket, 'data')));
    for (const [data] of answers) assert.match(String(data), /^HTTP\/1\.1 200 OK\r\n[^]*awake$/);
  }
}

async function untilNone(count: () => Promise<number>): Promise<void> {
  const until = Date.now() + 20_000;
  while ((await count()) > 0) {
    assert.ok(Date.now() < until, 'connections that do not end');
    await pause(20);
  }
}
