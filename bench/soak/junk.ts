/**
 * COMP-6 in full: 100,000 requests of junk beside good traffic. Memory after them is held against memory after the first tenth (a new
 * process grows into its work), the good traffic's failures against none, its latency against that without junk.
 */
import { delay } from '../../src/base/clock.ts';
import { SoakChild, unservedMsOf } from './child.ts';
import type { Message } from './child.ts';
import { cluster, httpBootstrap, route } from './http-config.ts';
import type { JunkCounts, JunkLoadOptions } from './load/junk-load.ts';
import type { NonceServiceOptions } from './load/nonce-service.ts';
import type { SteadyCounts, SteadyLoadOptions } from './load/steady-load.ts';
import type { Chart, Series } from '../report/report.ts';
import { check, count, figure } from './part.ts';
import type { PartResult, Soak, SoakPart } from './part.ts';
import { SoakProxy } from './soak-proxy.ts';
import type { Memory } from './soak-proxy.ts';

const JUNK = 100_000;
const LEAST_JUNK = 300;
/** Junk before the memory that the rest is held against: a tenth of the full number, less in short runs. */
const WARM_JUNK = 10_000;
const LEAST_WARM_JUNK = 4000;
const JUNK_PER_SECOND = 2000;
const GOOD_PER_SECOND = 500;
const GOOD_CONNECTIONS = 8;
const ALONE_MS = 15_000;
const LEAST_ALONE_MS = 1000;
const TOLERANCE = 0.1;
const SETTLE_MS = 1500;
const SAMPLE_MS = 2000;
const MIB = 1024 * 1024;

export const JUNK_PART: SoakPart = {
  name: 'junk',
  row: 'COMP-6',
  acceptance:
    '100,000 junk requests: resident memory within 10 %, the share of a core reported, good traffic beside it unharmed',
  run: runJunk,
};

interface Phase {
  readonly name: string;
  readonly good: SteadyCounts;
  readonly cpuSeconds: number;
  readonly unservedMs: number;
  readonly seconds: number;
}

interface Sample {
  readonly seconds: number;
  readonly memory: Memory;
}

interface Peers {
  readonly proxy: SoakProxy;
  readonly good: SoakChild;
  readonly junk: SoakChild;
}

async function runJunk(soak: Soak): Promise<PartResult> {
  const junkRequests = soak.size(JUNK, LEAST_JUNK);
  const children: SoakChild[] = [];
  let proxy: SoakProxy | null = null;
  try {
    const start = async <T extends Message>(file: string, options: unknown): Promise<[SoakChild, T]> => {
      const { signal, cores } = soak.bench;
      const module = new URL(`./load/${file}`, import.meta.url);
      const started = await SoakChild.start<T>({ module, options, core: cores.other, signal });
      children.push(started[0]);
      return started;
    };
    const nature: NonceServiceOptions = { seed: soak.seed, nature: 'steady', wrongEvery: 0 };
    const [, { port }] = await start<Message & { port: number }>('nonce-service.ts', nature);
    proxy = await SoakProxy.start({
      folder: soak.folder,
      concurrency: 1,
      core: soak.bench.cores.proxy,
      bootstrap: httpBootstrap({
        log: { path: '/dev/null', format: '%RESPONSE_CODE% %LEDGER%\n' },
        clusters: [cluster('service', [port])],
        routes: [route('/good', 'service')],
        // What could still become a head is refused when its time is over.
        manager: { request_headers_timeout: '1s', delayed_close_timeout: '0.2s' },
      }),
    });
    const goodOptions: SteadyLoadOptions = {
      port: proxy.port,
      perSecond: GOOD_PER_SECOND,
      connections: GOOD_CONNECTIONS,
    };
    const junkOptions: JunkLoadOptions = { port: proxy.port, seed: soak.seed, perSecond: JUNK_PER_SECOND };
    const [good] = await start('steady-load.ts', goodOptions);
    const [junk] = await start('junk-load.ts', junkOptions);
    return await measure({ proxy, good, junk }, junkRequests, soak);
  } finally {
    await proxy?.stop();
    await Promise.all(children.map((each) => each.stop()));
  }
}

async function measure(peers: Peers, junkRequests: number, soak: Soak): Promise<PartResult> {
  const { proxy, junk } = peers;
  const { progress } = soak.bench;
  const aloneMs = Math.max(LEAST_ALONE_MS, (ALONE_MS * junkRequests) / JUNK);
  const send = (more: number): Promise<Message & { counts: JunkCounts }> => {
    const message = { kind: 'send', more };
    return junk.ask(message, 'done');
  };
  const warm = Math.max(LEAST_WARM_JUNK, Math.round((WARM_JUNK * junkRequests) / JUNK));
  progress.step(`${count(warm)} of junk to warm up`);
  await phase('warm-up', peers, () => send(warm));
  await delay(SETTLE_MS);
  const before = await proxy.memory();
  progress.step('good traffic alone');
  const phases = [await phase('good traffic alone', peers, () => delay(aloneMs))];
  progress.step(`${count(junkRequests)} of junk`);
  let junkCounts: JunkCounts | null = null;
  const samples: Sample[] = [];
  const beside = await phase('with junk', peers, async () => {
    const sending = send(junkRequests).then((message) => (junkCounts = message.counts));
    await sampled(proxy, sending, samples);
  });
  await delay(SETTLE_MS);
  const after = await proxy.memory();
  phases.push(beside, await phase('alone again', peers, () => delay(aloneMs)));
  // Their connections would be open still: scanners stay on theirs.
  await junk.stop();
  await delay(SETTLE_MS);
  const stats = await proxy.stats();
  const left = (stats.get('http.soak.downstream_cx_active') ?? 0) - GOOD_CONNECTIONS;
  return result({
    junkRequests,
    warm,
    samples,
    phases,
    junk: junkCounts,
    before: before.residentBytes,
    after: after.residentBytes,
    left,
    restarts: stats.get('server.worker_restarts') ?? 0,
    problems: proxy.problems(),
  });
}

/** Memory every few seconds until `work` is done. */
async function sampled(proxy: SoakProxy, work: Promise<unknown>, samples: Sample[]): Promise<void> {
  const started = performance.now();
  const state = { working: true };
  const done = work.finally(() => (state.working = false));
  while (state.working) {
    samples.push({ seconds: (performance.now() - started) / 1000, memory: await proxy.memory() });
    await Promise.race([done, delay(SAMPLE_MS)]);
  }
  await done;
}

async function phase(name: string, { proxy, good }: Peers, work: () => Promise<unknown>): Promise<Phase> {
  const [cpu, unserved, started] = [proxy.cpuSeconds(), unservedMsOf(proxy.pid), performance.now()];
  good.tell({ kind: 'begin' });
  await work();
  const [cpuSeconds, seconds] = [proxy.cpuSeconds() - cpu, (performance.now() - started) / 1000];
  const unservedMs = unservedMsOf(proxy.pid) - unserved;
  const { counts } = await good.ask<Message & { counts: SteadyCounts }>({ kind: 'end' }, 'measured');
  return { name, good: counts, cpuSeconds, unservedMs, seconds };
}

interface Found {
  readonly junkRequests: number;
  readonly warm: number;
  readonly samples: readonly Sample[];
  readonly phases: readonly Phase[];
  readonly junk: JunkCounts | null;
  readonly before: number;
  readonly after: number;
  /** Connections beyond those of the good traffic. */
  readonly left: number;
  /** Workers that died. */
  readonly restarts: number;
  readonly problems: readonly string[];
}

function result({
  junkRequests,
  warm,
  samples,
  phases,
  junk,
  before,
  after,
  left,
  restarts,
  problems,
}: Found): PartResult {
  const failures = phases.reduce((sum, { good }) => sum + good.failures, 0);
  const growth = after / before - 1;
  const answers = Object.entries(junk?.answers ?? {});
  const served = answers.filter(([answer]) => /^[123]\d\d$/.test(answer)).length;
  const [alone, beside] = phases;
  const cpuPerJunk =
    alone === undefined || beside === undefined
      ? Number.NaN
      : (beside.cpuSeconds - (alone.cpuSeconds / alone.seconds) * beside.seconds) / junkRequests;
  return {
    checks: [
      check(
        'junk requests',
        `all refused`,
        served === 0 ? count(junk?.sent ?? 0) : 'some were served',
        served === 0,
      ),
      check(
        'resident memory',
        `within ${TOLERANCE * 100} %`,
        `${growth >= 0 ? '+' : ''}${(growth * 100).toFixed(1)} % (${(before / MIB).toFixed(0)} to ${(after / MIB).toFixed(0)} MiB)`,
        Math.abs(growth) <= TOLERANCE,
      ),
      check('failures of good traffic', '0', failures, failures === 0),
      check('workers that were restarted', '0', restarts, restarts === 0),
      check('connections of junk left', '0', left, left <= 0),
      figure('answers to junk', answers.map(([answer, many]) => `${answer}: ${count(many)}`).join(', ')),
      figure(
        'kinds of junk',
        Object.entries(junk?.kinds ?? {})
          .map(([kind, many]) => `${kind}: ${count(many)}`)
          .join(', '),
      ),
      figure(
        'processor time per junk request, beyond that of the good ones',
        `${(cpuPerJunk * 1e6).toFixed(0)} µs`,
      ),
    ],
    text: [
      `One worker. Good traffic at ${GOOD_PER_SECOND} requests/s, latency from when each was due; junk at up to ${JUNK_PER_SECOND} a second, half of it scans of paths that do not exist on connections that stay, the rest each on a connection of its own. Memory is compared with that after the first ${count(warm)} of junk.`,
    ],
    parts: [
      {
        kind: 'table',
        title: 'Good traffic with and without junk',
        rows: 'phase',
        columns: [
          { name: 'requests' },
          { name: 'failures', better: 'lower' },
          { name: 'p50', unit: 'ms', better: 'lower' },
          { name: 'p99', unit: 'ms', better: 'lower' },
          { name: 'largest', unit: 'ms', better: 'lower' },
          { name: 'proxy', unit: '% of a core', better: 'lower' },
          { name: 'ready without a core', unit: '% of the time' },
        ],
        body: phases.map(({ name, good, cpuSeconds, unservedMs, seconds }) => ({
          name,
          cells: [
            good.requests,
            good.failures,
            good.p50Ms,
            good.p99Ms,
            good.maxMs,
            (100 * cpuSeconds) / seconds,
            unservedMs / 10 / seconds,
          ],
        })),
      },
      memoryChart(samples),
      { kind: 'listing', title: 'Warnings of the proxy', lines: problems },
    ],
  };
}

function memoryChart(samples: readonly Sample[]): Chart {
  const series = (name: string, bytes: (memory: Memory) => number): Series => ({
    name,
    points: samples.map(({ seconds, memory }) => ({ x: seconds, y: bytes(memory) / MIB })),
  });
  return {
    kind: 'chart',
    form: 'lines',
    title: 'Memory while junk comes',
    x: { label: 'time', unit: 's' },
    y: { label: 'memory', unit: 'MiB' },
    series: [
      series('resident', ({ residentBytes }) => residentBytes),
      series('heap of the worker', ({ heapBytes }) => heapBytes),
    ],
  };
}
