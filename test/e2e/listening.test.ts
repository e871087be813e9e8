/** How a port is shared: one socket per worker, between which the kernel spreads connections, or one for all; and its backlog. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { eventually } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { Json, RunningProxy } from '../support/proxy.ts';
import { INTERFACES } from '../support/thread.ts';

const WORKERS = 4;
/** A share of a quarter has a standard deviation of one percent then: five percent is what never happens. */
const CONNECTIONS = 2000;
const LISTEN = '0A';
const WITHOUT_SS = spawnSync('ss', ['-V']).error === undefined ? false : 'ss is not installed';

async function withProxy(
  listener: { readonly [key: string]: Json },
  socketInterface: 'syscall' | 'portable',
  use: (proxy: RunningProxy, port: number) => Promise<void>,
): Promise<void> {
  const staticResources = httpProxyTo([1], { listener });
  const proxy = await startProxy({ staticResources, socketInterface, concurrency: WORKERS });
  try {
    await use(proxy, proxy.port('http'));
  } finally {
    await proxy.stop();
  }
}

/** Sockets that listen on the port, from the kernel's own table. */
function listeningOn(pid: number, port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => local.endsWith(`:${hex}`) && state === LISTEN).length;
}

async function comeAndGo(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  // RST: two thousand ports in TIME_WAIT would be missed by other tests.
  socket.resetAndDestroy();
  await once(socket, 'close');
}

async function totals(proxy: RunningProxy): Promise<number[]> {
  const text = await proxy.admin('/stats?filter=worker_.*downstream_cx_total');
  return [...text.matchAll(/worker_\d+\.downstream_cx_total: (\d+)/g)].map((match) => Number(match[1]));
}

describe('a port', () => {
  for (const kind of INTERFACES) {
    test(`has a socket for each worker, and each gets a quarter of the connections (${kind})`, () =>
      withProxy({}, kind, async (proxy, port) => {
        assert.equal(listeningOn(proxy.pid, port), WORKERS);
        for (let count = 0; count < CONNECTIONS; count += 50)
          await Promise.all(Array.from({ length: 50 }, () => comeAndGo(port)));
        const sum = async (): Promise<number> => (await totals(proxy)).reduce((all, one) => all + one, 0);
        // One that is reset before it is accepted may never be seen.
        await eventually(async () => (await sum()) >= CONNECTIONS * 0.9, true, 'connections were counted');
        const counts = await totals(proxy);
        const all = await sum();
        for (const count of counts)
          assert.ok(Math.abs(count / all - 0.25) < 0.06, `shares of ${all}: ${counts.join(' ')}`);
      }));
  }

  test(
    'has one socket for all with enable_reuse_port: false',
    { skip: !INTERFACES.includes('syscall') },
    () =>
      withProxy({ enable_reuse_port: false }, 'syscall', (proxy, port) => {
        assert.equal(listeningOn(proxy.pid, port), 1);
        return Promise.resolve();
      }),
  );

  for (const kind of INTERFACES) {
    test(`has the backlog of tcp_backlog_size (${kind})`, { skip: WITHOUT_SS }, () =>
      withProxy({ tcp_backlog_size: 37 }, kind, (_proxy, port) => {
        const { stdout } = spawnSync('ss', ['-Hltn', `sport = :${port}`], { encoding: 'utf8' });
        const backlogs = stdout
          .trim()
          .split('\n')
          .map((line) => line.trim().split(/\s+/)[2]);
        assert.deepEqual(backlogs, Array(WORKERS).fill('37'));
        return Promise.resolve();
      }),
    );
  }
});
