/**
 * What a request costs: CPU per request of nodeproxy beside nginx and HAProxy, in one interleaved run.
 *
 *   node bench/cost.ts [--rounds 5] [--seconds 3] [--warm-up 6] [--connections 64] [--only http|tcp|memory]
 *
 * All proxies run on core 0, one of them under load at a time; upstream and load on core 1. Each is first warmed up: a compiler
 * that works at run time spends its time there, as it does once in the life of a proxy. Rounds then go through all contenders
 * in turn, so that a noisy minute of the machine hits all of them; the figure is the median round, its range the smallest and
 * the largest. Absolute times mean nothing elsewhere; the ratios do.
 * Needs nginx, haproxy, wrk and taskset.
 */
import { mkdtempSync, rmSync } from 'node:fs';
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
import type { LoadResult } from './harness/load.ts';
import type { CpuTime, MeasuredProcess } from './harness/process.ts';

interface Row {
  readonly name: string;
  /** Microseconds of CPU per unit, one entry a round. */
  readonly user: number[];
  readonly system: number[];
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    'warm-up': { type: 'string', default: '6' },
    connections: { type: 'string', default: '64' },
    only: { type: 'string' },
  },
});
const ROUNDS = Number(values.rounds);
const SECONDS = Number(values.seconds);
const WARM_UP_SECONDS = Number(values['warm-up']);
const CONNECTIONS = Number(values.connections);
/** Below the usual limit of open files: HAProxy counts two for each connection. */
const IDLE_CONNECTIONS = 8_000;

const bench: Bench = { folder: mkdtempSync(join(tmpdir(), 'nodeproxy-cost-')), proxyCore: 0, otherCore: 1 };

type Starter = (port: number) => Promise<MeasuredProcess>;

/** Starts and warms up every contender, then loads one after the other, `ROUNDS` times. Unit: a request, or a MiB for bulk. */
async function measure(starters: readonly Starter[], path: string, connections: number): Promise<Row[]> {
  const proxies: { proxy: MeasuredProcess; url: string; row: Row }[] = [];
  try {
    for (const [index, start] of starters.entries()) {
      const proxy = await start(19100 + index);
      const url = `http://127.0.0.1:${19100 + index}${path}`;
      proxies.push({ proxy, url, row: { name: proxy.name, user: [], system: [] } });
      progress(`warm-up: ${proxy.name}`);
      await load(proxy, url, connections, WARM_UP_SECONDS);
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const { proxy, url, row } of proxies) {
        await load(proxy, url, connections, 1);
        const before = proxy.cpu();
        const result = await load(proxy, url, connections, SECONDS);
        note(row, before, proxy.cpu(), result.requests);
        progress(
          `round ${round + 1}/${ROUNDS}: ${proxy.name}: ${Math.round(result.requestsPerSecond)} requests/s`,
        );
      }
    }
  } finally {
    for (const { proxy } of proxies) await proxy.stop();
  }
  return proxies.map(({ row }) => row);
}

async function load(
  proxy: MeasuredProcess,
  url: string,
  connections: number,
  seconds: number,
): Promise<LoadResult> {
  const result = await runWrk({ url, connections, seconds, core: bench.otherCore });
  if (result.failures > 0) throw new Error(`${proxy.name}: ${result.failures} failed requests`);
  return result;
}

function note(row: Row, before: CpuTime, after: CpuTime, units: number): void {
  row.user.push(((after.user - before.user) / units) * 1e6);
  row.system.push(((after.system - before.system) / units) * 1e6);
}

function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function totals(row: Row): number[] {
  return row.user.map((user, index) => user + (row.system[index] ?? 0));
}

function print(title: string, unit: string, rows: readonly Row[], reference: string): void {
  const base = rows.find((row) => row.name === reference);
  const columns = [`µs/${unit}`, 'user', 'sys', 'range', `of ${reference}`];
  const line = (name: string, cells: readonly string[]): string =>
    [
      name.padEnd(24),
      ...cells.map((cell, index) => cell.padStart(Math.max(14, columns[index]?.length ?? 0))),
    ].join(' ');
  console.log(`\n${title}\n${line('proxy', columns)}`);
  for (const row of rows) {
    const all = totals(row);
    const figures = [median(all), median(row.user), median(row.system)].map((value) => value.toFixed(2));
    const range = `${Math.min(...all).toFixed(1)}-${Math.max(...all).toFixed(1)}`;
    const ratio = base === undefined ? '' : (median(all) / median(totals(base))).toFixed(2);
    console.log(line(row.name, [...figures, range, ratio]));
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

async function http(): Promise<void> {
  const starters: Starter[] = [
    (port) => startNodeproxy(bench, port, 'full'),
    (port) => startNodeproxy(bench, port, 'plain'),
    (port) => startNodeproxy(bench, port, 'none'),
    (port) => startNginxProxy(bench, port),
    (port) => startHaproxy(bench, port, 'http'),
  ];
  const title = `small GET, ${CONNECTIONS} keep-alive connections, one worker`;
  print(title, 'request', await measure(starters, '/', CONNECTIONS), 'nginx with log');
}

async function tcp(): Promise<void> {
  const starters: Starter[] = [
    (port) => startNodeproxyTcp(bench, port),
    (port) => startHaproxy(bench, port, 'tcp'),
  ];
  const title = `1 MiB downloads over L4, ${CONNECTIONS} connections`;
  print(title, 'MiB', await measure(starters, '/1m', CONNECTIONS), 'haproxy, tcp mode');
}

async function memory(): Promise<void> {
  console.log(`\nidle keep-alive connection (${IDLE_CONNECTIONS}), resident bytes each`);
  const starters: Starter[] = [
    (port) => startNodeproxy(bench, port, 'none'),
    (port) => startNginxProxy(bench, port),
    (port) => startHaproxy(bench, port, 'http'),
  ];
  for (const start of starters) {
    const { name, bytes } = await idleCost(start, 19200);
    console.log(`${name.padEnd(24)} ${Math.round(bytes)}`);
  }
  const resident = await startNodeproxy(bench, 19201, 'full', 2);
  await delay(1000);
  console.log(`\nresident at start, two workers: ${(resident.pss() / 2 ** 20).toFixed(1)} MiB`);
  await resident.stop();
}

const parts: Readonly<Record<string, () => Promise<void>>> = { http, tcp, memory };

const upstream = await startUpstream(bench);
try {
  for (const [name, run] of Object.entries(parts)) {
    if (values.only === undefined || values.only === name) await run();
  }
} finally {
  await upstream.stop();
  rmSync(bench.folder, { recursive: true, force: true });
}
