/**
 * What a request costs: CPU per request of nodeproxy beside nginx and HAProxy, in one interleaved run.
 *
 *   node bench/cost.ts [--rounds 3] [--seconds 3] [--connections 64]
 *
 * One proxy at a time on core 0, upstream and load on core 1. Rounds go through all contenders in turn, so that a noisy minute
 * of the machine hits all of them; the figure is the median round. Absolute times mean nothing elsewhere; the ratios do.
 * Needs nginx, haproxy, wrk and taskset.
 */
import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { delay } from '../src/base/clock.ts';
import {
  startHaproxy,
  startNginxProxy,
  startNodeproxy,
  startNodeproxyTcp,
  startUpstream,
} from './harness/contenders.ts';
import type { Bench } from './harness/contenders.ts';
import { runWrk } from './harness/load.ts';
import type { CpuTime, MeasuredProcess } from './harness/process.ts';

interface Row {
  readonly name: string;
  /** Microseconds of CPU per unit, one entry a round. */
  readonly user: number[];
  readonly system: number[];
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '64' },
    only: { type: 'string' },
  },
});
const ROUNDS = Number(values.rounds);
const SECONDS = Number(values.seconds);
const CONNECTIONS = Number(values.connections);
/** Below the usual limit of open files: HAProxy counts two for each connection. */
const IDLE_CONNECTIONS = 8_000;

const bench: Bench = { folder: mkdtempSync(join(tmpdir(), 'nodeproxy-cost-')), proxyCore: 0, otherCore: 1 };

type Starter = (port: number) => Promise<MeasuredProcess>;

/** Runs every contender under load, one after the other, `ROUNDS` times. `unitsPerRequest`: 1, or MiB for bulk. */
async function measure(starters: readonly Starter[], path: string, connections: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, start] of starters.entries()) {
      const port = 19100 + index;
      const proxy = await start(port);
      const url = `http://127.0.0.1:${port}${path}`;
      await runWrk({ url, connections, seconds: 1, core: bench.otherCore });
      const before = proxy.cpu();
      const result = await runWrk({ url, connections, seconds: SECONDS, core: bench.otherCore });
      const after = proxy.cpu();
      await proxy.stop();
      if (result.failures > 0) throw new Error(`${proxy.name}: ${result.failures} failed requests`);
      const row = (rows[index] ??= { name: proxy.name, user: [], system: [] });
      note(row, before, after, result.requests);
      progress(
        `round ${round + 1}/${ROUNDS}: ${proxy.name}: ${Math.round(result.requestsPerSecond)} requests/s`,
      );
    }
  }
  return rows;
}

function note(row: Row, before: CpuTime, after: CpuTime, units: number): void {
  row.user.push(((after.user - before.user) / units) * 1e6);
  row.system.push(((after.system - before.system) / units) * 1e6);
}

function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function total(row: Row): number {
  return median(row.user.map((user, index) => user + (row.system[index] ?? 0)));
}

function print(title: string, unit: string, rows: readonly Row[], reference: string): void {
  const base = rows.find((row) => row.name === reference);
  console.log(`\n${title}`);
  console.log(
    `${'proxy'.padEnd(24)} ${`µs/${unit}`.padStart(10)} ${'user'.padStart(8)} ${'sys'.padStart(8)} ${`of ${reference}`.padStart(24)}`,
  );
  for (const row of rows) {
    const ratio = base === undefined ? NaN : total(row) / total(base);
    const cells = [total(row), median(row.user), median(row.system)].map((value) => value.toFixed(2));
    console.log(
      `${row.name.padEnd(24)} ${cells[0]?.padStart(10)} ${cells[1]?.padStart(8)} ${cells[2]?.padStart(8)} ${ratio.toFixed(2).padStart(24)}`,
    );
  }
}

/** Resident bytes that an idle keep-alive connection costs, from `IDLE_CONNECTIONS` of them that each sent one request. */
async function idleCost(start: Starter, port: number): Promise<{ name: string; bytes: number }> {
  const proxy = await start(port);
  await runWrk({
    url: `http://127.0.0.1:${port}/`,
    connections: CONNECTIONS,
    seconds: 1,
    core: bench.otherCore,
  });
  await delay(500);
  const before = proxy.pss();
  const sockets: Socket[] = [];
  for (let count = 0; count < IDLE_CONNECTIONS; count += 1) {
    sockets.push(connect(port, '127.0.0.1'));
    if (count % 200 === 0) await delay(10);
  }
  await delay(2000);
  const bytes = (proxy.pss() - before) / IDLE_CONNECTIONS;
  for (const socket of sockets) socket.destroy();
  await proxy.stop();
  return { name: proxy.name, bytes };
}

function progress(text: string): void {
  console.error(text);
}

async function main(): Promise<void> {
  const upstream = await startUpstream(bench);
  try {
    const http: Starter[] = [
      (port) => startNodeproxy(bench, port, 'full'),
      (port) => startNodeproxy(bench, port, 'plain'),
      (port) => startNodeproxy(bench, port, 'none'),
      (port) => startNginxProxy(bench, port),
      (port) => startHaproxy(bench, port, 'http'),
    ];
    print(
      `small GET, ${CONNECTIONS} keep-alive connections, one worker`,
      'request',
      await measure(http, '/', CONNECTIONS),
      'nginx with log',
    );
    if (values.only === 'http') return;
    const tcp: Starter[] = [
      (port) => startNodeproxyTcp(bench, port),
      (port) => startHaproxy(bench, port, 'tcp'),
    ];
    print('1 MiB downloads over L4, 8 connections', 'MiB', await measure(tcp, '/1m', 8), 'haproxy, tcp mode');
    console.log(`\nidle keep-alive connection (${IDLE_CONNECTIONS}), resident bytes each`);
    for (const start of [http[2], http[3], http[4]]) {
      if (start === undefined) continue;
      const { name, bytes } = await idleCost(start, 19200);
      console.log(`${name.padEnd(24)} ${Math.round(bytes)}`);
    }
    const resident = await startNodeproxy(bench, 19201, 'full', 2);
    await delay(1000);
    console.log(`\nresident at start, two workers: ${(resident.pss() / 2 ** 20).toFixed(1)} MiB`);
    await resident.stop();
  } finally {
    await upstream.stop();
  }
}

await main();
