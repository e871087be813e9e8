/**
 * DIAG-18 in full: a gateway of one worker, 500 clients that upload 10 KiB in pieces, and a filter that computes. The same traffic runs
 * with the filter off, where uploads take tens of milliseconds. Then only the log is looked at: which causes does it name, in which order.
 *
 * The clients live in the process of the benchmark, whose work is small; the service has one of its own.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { delay, SystemClock } from '../../src/base/clock.ts';
import { diagnose } from '../../src/diagnose/diagnosis.ts';
import type { Finding, Report } from '../../src/diagnose/report.ts';
import { AUDIT_FILTER } from '../../src/lab/audit-filter.ts';
import { UNLOGGED } from '../../src/lab/config-text.ts';
import { LabClient, uploadHead } from '../../src/lab/lab-client.ts';
import { DIAGNOSTIC_FORMAT } from '../../src/observe/format/instrumented-format.ts';
import { percentile } from '../harness/statistics.ts';
import { SoakChild } from './child.ts';
import type { Message } from './child.ts';
import { Dice } from './dice.ts';
import type { IdleServiceOptions } from './load/idle-service.ts';
import { cluster, httpBootstrap, route } from './http-config.ts';
import type { JsonObject } from './http-config.ts';
import { check, count, figure } from './part.ts';
import type { Check, PartResult, Soak, SoakPart } from './part.ts';
import { SoakProxy } from './soak-proxy.ts';

const CLIENTS = 500;
const LEAST_CLIENTS = 60;
const UPLOADS_EACH = 5;
const FEW_UPLOADS = 2;
const UPLOAD_BYTES = 10 * 1024;
const PIECES = 4;
/** Between two pieces: a mobile network's round trip. */
const GAP_MS = [10, 40] as const;
const THINK_MS = [500, 2500] as const;
const NEVER_MS = 3_600_000;
/** A new process compiles its code while it serves its first requests: they are not logged. */
const WARM_UP_CLIENTS = 20;
const WARM_UP_UPLOADS = 20;
const SLOW_MS = 1000;
/** Uploads that are audited, and for how long the filter computes: together some 0.7 of the worker's time. */
const AUDITED = 0.1;
const AUDIT_MS = [20, 60] as const;
const OPENED_AT_ONCE = 50;

export const GATEWAY: SoakPart = {
  name: 'gateway',
  row: 'DIAG-18',
  acceptance:
    'a gateway with one worker, 500 clients, uploads of 10 KiB in pieces and a filter that computes: some take more than a second; the log alone names pieces and a late loop',
  run: runGateway,
};

interface Run {
  readonly uploads: readonly number[];
  readonly failures: number;
  readonly report: Report;
}

async function runGateway(soak: Soak): Promise<PartResult> {
  const clients = soak.size(CLIENTS, LEAST_CLIENTS);
  soak.bench.progress.step(`${clients} clients, no filter computes`);
  const quiet = await runOnce(soak, clients, 'quiet');
  soak.bench.progress.step(`${clients} clients, the filter computes`);
  const busy = await runOnce(soak, clients, 'busy');
  return result(clients, quiet, busy);
}

async function runOnce(soak: Soak, clients: number, name: 'quiet' | 'busy'): Promise<Run> {
  const { signal, cores } = soak.bench;
  const serviceOptions: IdleServiceOptions = { keepAliveMs: NEVER_MS };
  const module = new URL('./load/idle-service.ts', import.meta.url);
  const [service, { port: servicePort }] = await SoakChild.start<Message & { port: number }>({
    module,
    options: serviceOptions,
    core: cores.other,
    signal,
  });
  const log = join(soak.folder, `${name}.log`);
  let proxy: SoakProxy | null = null;
  const open: LabClient[] = [];
  const uploads: number[] = [];
  let failures = 0;
  try {
    proxy = await SoakProxy.start({
      folder: soak.folder,
      concurrency: 1,
      core: cores.proxy,
      bootstrap: httpBootstrap({
        log: { path: log, format: DIAGNOSTIC_FORMAT, filter: unlogged() },
        clusters: [cluster('service', [servicePort])],
        routes: [route('/', 'service')],
        filters: [auditFilter(soak.folder)],
      }),
    });
    const { port } = proxy;
    while (open.length < clients) {
      const more = Math.min(OPENED_AT_ONCE, clients - open.length);
      open.push(...(await Promise.all(Array.from({ length: more }, () => LabClient.open(port)))));
    }
    await Promise.all(open.slice(0, WARM_UP_CLIENTS).map((client) => warmUp(client)));
    await Promise.all(
      open.map(async (client, index) => {
        const dice = new Dice(soak.seed * 100_000 + index);
        for (let round = 0; round < uploadsOf(clients) && !signal.aborted; round += 1) {
          await delay(dice.between(...THINK_MS));
          const audit = name === 'busy' && dice.chance(AUDITED) ? dice.between(...AUDIT_MS) : 0;
          const upload = await uploadOnce(client, dice, audit);
          uploads.push(upload.ms);
          if (upload.status !== 200) failures += 1;
        }
      }),
    );
    signal.throwIfAborted();
  } finally {
    for (const client of open) client.close();
    await proxy?.stop();
    await service.stop();
  }
  return { uploads, failures, report: await diagnose([log]) };
}

/** A short run is short in both. */
function uploadsOf(clients: number): number {
  return clients < CLIENTS ? FEW_UPLOADS : UPLOADS_EACH;
}

async function warmUp(client: LabClient): Promise<void> {
  const body = Buffer.alloc(UPLOAD_BYTES, 'w');
  for (let upload = 0; upload < WARM_UP_UPLOADS; upload += 1) {
    client.write(uploadHead('/upload', UPLOAD_BYTES, UNLOGGED));
    await client.ask(body);
  }
}

/** Of the log: requests of `warmUp` are left out. */
function unlogged(): JsonObject {
  const [name = ''] = (UNLOGGED[0] ?? '').split(':');
  return { header_filter: { header: { name, present_match: true, invert_match: true } } };
}

export function auditFilter(folder: string): JsonObject {
  const module = join(folder, 'audit.js');
  writeFileSync(module, AUDIT_FILTER);
  return {
    name: 'audit',
    typed_config: {
      '@type': 'type.googleapis.com/nodeproxy.extensions.filters.http.javascript.v1.JavaScript',
      module,
      config: { work: 'compute', deadline_ms: 60_000 },
    },
  };
}

async function uploadOnce(
  client: LabClient,
  dice: Dice,
  auditMs: number,
): Promise<{ ms: number; status: number }> {
  const clock = new SystemClock();
  const started = clock.now();
  const piece = Math.ceil(UPLOAD_BYTES / PIECES);
  const body = Buffer.alloc(UPLOAD_BYTES, 'u');
  client.write(uploadHead('/upload', UPLOAD_BYTES, auditMs === 0 ? [] : [`x-audit-ms: ${auditMs}`]));
  for (let index = 0; index < PIECES; index += 1) {
    if (index > 0) await delay(dice.between(...GAP_MS));
    client.write(body.subarray(index * piece, (index + 1) * piece));
  }
  const { status } = await client.answer();
  return { ms: clock.now() - started, status };
}

function named({ cause, subject, share, requests }: Finding): string {
  return `${cause}${subject === '' ? '' : ` (${subject})`}: ${count(requests)} requests, ${(share * 100).toFixed(0)} % of the slow time`;
}

function result(clients: number, quiet: Run, busy: Run): PartResult {
  const slow = busy.uploads.filter((ms) => ms > SLOW_MS).length;
  const causes = busy.report.findings.map(({ cause }) => cause);
  const late = causes.findIndex((cause) => cause === 'loop-busy' || cause === 'read-late');
  const pieces = causes.indexOf('fragmented-request');
  const place = (index: number): string => (index < 0 ? 'not named' : `named, in place ${index + 1}`);
  const checks: Check[] = [
    figure('clients at once', count(clients)),
    check(
      'uploads of more than a second',
      'some',
      `${count(slow)} of ${count(busy.uploads.length)}`,
      slow > 0,
    ),
    check('a late loop (loop-busy, read-late)', 'named', place(late), late >= 0),
    check('a request in pieces (fragmented-request)', 'named', place(pieces), pieces >= 0),
    check('failed uploads', '0', busy.failures + quiet.failures, busy.failures + quiet.failures === 0),
    figure('causes in the log, in this order', causes.join(', ')),
  ];
  const row = (name: string, { uploads }: Run): { name: string; cells: number[] } => ({
    name,
    cells: [uploads.length, ...[50, 99, 100].map((share) => percentile(uploads, share))],
  });
  return {
    checks,
    text: [
      `${clients} clients upload ${UPLOAD_BYTES / 1024} KiB ${uploadsOf(clients)} times each, in ${PIECES} pieces ${GAP_MS.join(' to ')} ms apart, with ${THINK_MS.join(' to ')} ms between two uploads. With the filter on, one upload in ${1 / AUDITED} has it compute for ${AUDIT_MS.join(' to ')} ms. The diagnosis is \`logs diagnose\` with its own thresholds.`,
    ],
    parts: [
      {
        kind: 'table',
        title: 'Uploads as the clients saw them',
        rows: 'filter',
        columns: [
          { name: 'uploads' },
          { name: 'p50', unit: 'ms', better: 'lower' },
          { name: 'p99', unit: 'ms', better: 'lower' },
          { name: 'largest', unit: 'ms', better: 'lower' },
        ],
        body: [row('does nothing', quiet), row('computes', busy)],
      },
      { kind: 'listing', title: 'What the log names, worst first', lines: busy.report.findings.map(named) },
      {
        kind: 'listing',
        title: 'Its reading of the worst line',
        lines: (busy.report.findings[0]?.evidence ?? []).slice(0, 1).map(({ reading }) => reading),
      },
      {
        kind: 'listing',
        title: 'What it names where the filter does nothing',
        lines: quiet.report.findings.map(named),
      },
    ],
  };
}
