/**
 * What a diagnosis costs: lines per second and peak memory of `nodeproxy logs diagnose` on one core, beside `goaccess` if installed.
 *
 *   node bench/diagnose.ts [--lines 2000000] [--rounds 3] [--core 1] [--gzip] [--goaccess PATH]
 *
 * The file is made from a seed: mostly healthy requests of the full instrumented line, and a share of every case, of other formats
 * and of broken lines. Bar (issue 3): 150,000 lines per second, under 200 MiB. Exit code 1 below it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { delay } from '../src/base/clock.ts';
import { jsonOf, lineOf, Traffic } from '../test/diagnose/support/traffic.ts';
import type { Ill } from '../test/diagnose/support/traffic.ts';

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '2000000' },
    rounds: { type: 'string', default: '3' },
    core: { type: 'string', default: '1' },
    gzip: { type: 'boolean', default: false },
    goaccess: { type: 'string', default: 'goaccess' },
  },
});
const LINES = Number(values.lines);
const ROUNDS = Number(values.rounds);
const LEAST_LINES_PER_SECOND = 150_000;
const MOST_MIB = 200;
const SEED = 20_231_128;
const SAMPLE_MS = 20;
const BATCH = 2000;

const ILLS: readonly Ill[] = [
  'fragmented',
  'late',
  'gap',
  'flow-downstream',
  'flow-upstream',
  'filter',
  'paused-filter',
  'pool',
  'connect',
  'unused',
  'upstream',
  'body',
  'kernel',
  'blocked',
  'head',
  'closed',
  'too-large',
];

/** Of a hundred lines: 5 ill ones, 2 JSON, 4 of the talk's format, 1 broken. */
function nextLine(traffic: Traffic, index: number): string {
  const place = index % 100;
  if (place < 5) return lineOf(traffic.ill(ILLS[Math.floor(index / 20) % ILLS.length] ?? 'gap'));
  if (place < 7) return jsonOf(traffic.healthy());
  if (place < 11) return lineOf(traffic.healthy(), { micro: false, diagnostic: false });
  if (place === 11)
    return index % 200 === 11 ? lineOf(traffic.healthy()).slice(300, 500) : '\u0000\u0001 not a log';
  return lineOf(traffic.healthy());
}

async function write(file: string): Promise<void> {
  const traffic = new Traffic(SEED);
  const stream = createWriteStream(file);
  const packed = values.gzip ? createGzip() : null;
  packed?.pipe(stream);
  const target = packed ?? stream;
  for (let index = 0; index < LINES; index += BATCH) {
    let text = '';
    for (let at = index; at < Math.min(LINES, index + BATCH); at += 1) text += `${nextLine(traffic, at)}\n`;
    if (!target.write(text)) await once(target, 'drain');
  }
  target.end();
  await once(stream, 'close');
}

interface Run {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMib: number;
  readonly output: string;
}

const TICKS_PER_SECOND = 100;

/** Peak memory is `VmHWM`; it only grows, so the last sample before the end is it, but for what the last milliseconds add. */
async function run(command: string, args: readonly string[]): Promise<Run> {
  const started = performance.now();
  const child = spawn('taskset', ['-c', values.core, command, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const closed = once(child, 'close');
  let peakMib = 0;
  let cpuSeconds = 0;
  const sample = (): void => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peakMib = Math.max(peakMib, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    } catch {
      // Gone between two samples.
    }
  };
  while (child.exitCode === null && child.signalCode === null) {
    sample();
    await delay(SAMPLE_MS);
  }
  await closed;
  return { seconds: (performance.now() - started) / 1000, cpuSeconds, peakMib, output };
}

function show(name: string, { seconds, cpuSeconds, peakMib }: Run): number {
  const rate = LINES / seconds;
  process.stdout.write(
    `${name.padEnd(12)} ${Math.round(rate).toLocaleString('en')} lines/s  ${seconds.toFixed(2)} s (${cpuSeconds.toFixed(2)} s of CPU)  peak ${peakMib.toFixed(0)} MiB\n`,
  );
  return rate;
}

/** The columns of Istio's line that it has a use for; what stands behind the client's address it passes over. */
const GOACCESS_OPTIONS: readonly string[] = [
  '--log-format=[%dT%t.%^] "%m %U %H" %s %^ %^ %^ "%^" %^ %b %L %^ "%^" "%u" "%^" "%v" "%^" %^ %^ %^ %h:%^ %^',
  '--date-format=%Y-%m-%d',
  '--time-format=%H:%M:%S',
  '--no-progress',
  '--no-global-config',
];

async function goaccess(file: string): Promise<void> {
  if (spawnSync(values.goaccess, ['--version']).error !== undefined) {
    process.stdout.write('goaccess     is not installed\n');
    return;
  }
  const result = join(folder, 'goaccess.json');
  show('goaccess', await run(values.goaccess, [file, ...GOACCESS_OPTIONS, '-o', result]));
  const { general } = JSON.parse(readFileSync(result, 'utf8')) as { general: { valid_requests: number } };
  process.stdout.write(
    `${general.valid_requests.toLocaleString('en')} requests; it counts them and explains nothing\n`,
  );
}

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-diagnose-'));
const file = join(folder, values.gzip ? 'access.log.gz' : 'access.log');
try {
  await write(file);
  const { size } = statSync(file);
  process.stdout.write(
    `${LINES.toLocaleString('en')} lines, ${(size / 1024 / 1024).toFixed(0)} MiB${values.gzip ? ' packed' : ''}\n`,
  );
  const bin = fileURLToPath(new URL('../bin/nodeproxy.js', import.meta.url));
  let best = 0;
  let peak = 0;
  let output = '';
  for (let round = 0; round < ROUNDS; round += 1) {
    const result = await run(process.execPath, [bin, 'logs', 'diagnose', '--json', file]);
    best = Math.max(best, show('nodeproxy', result));
    peak = Math.max(peak, result.peakMib);
    ({ output } = result);
  }
  const report = JSON.parse(output) as { requests: number; findings: { cause: string }[] };
  const causes = new Set(report.findings.map(({ cause }) => cause));
  process.stdout.write(
    `${report.requests.toLocaleString('en')} requests, ${causes.size} kinds of causes: ${[...causes].join(', ')}\n`,
  );
  if (!values.gzip) await goaccess(file);
  if (best < LEAST_LINES_PER_SECOND || peak > MOST_MIB) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
