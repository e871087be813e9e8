/**
 * What holds for each profile: the order of the start, the client's end, the report, the logs of both hops, the end of all. A file for
 * each profile calls this, so that each has its own time.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { isMeasured } from '../../../bench/report/figures.ts';
import { readReport } from '../../../bench/report/read-report.ts';
import type { Report, Table } from '../../../bench/report/report.ts';
import { isUnreadable, parseRecord } from '../../../src/diagnose/parse-record.ts';
import { ROOT } from '../../docs/markdown.ts';
import type { Ended } from './container.ts';
import { ComposeRun } from './engine.ts';

export const LOAD = {
  CONNECTIONS: '4',
  SECONDS: '1',
  RATE: '40',
  ROUNDS: '1',
  WARM_UP_SECONDS: '0',
  CONCURRENCY: '1',
  COMMIT: '0123456789ab',
} as const;

export interface ProfileRun {
  readonly run: ComposeRun;
  readonly exitCode: number | null;
  readonly clientOutput: string;
}

export async function runProfile(profile: string): Promise<ProfileRun> {
  const run = await ComposeRun.up(ROOT, profile, LOAD);
  const client = run.container('client');
  return { run, exitCode: await client.exited(), clientOutput: client.output };
}

/** Each dependency came first, and was healthy where that was asked for. */
export function assertOrder({ events, services }: ComposeRun): void {
  const names = services.map(({ name }) => name);
  assert.equal(events.at(-1), 'started client');
  for (const { name, dependencies, joins } of services) {
    const began = events.indexOf(`started ${name}`);
    assert.ok(began >= 0, name);
    if (joins !== null) assert.ok(events.indexOf(`started ${joins}`) < began, `${name} joins ${joins}`);
    for (const { on, condition } of dependencies) {
      if (!names.includes(on)) continue;
      const event = condition === 'service_healthy' ? `healthy ${on}` : `started ${on}`;
      assert.ok(events.includes(event) && events.indexOf(event) < began, `${event} before ${name}`);
    }
  }
}

/** @returns the report, whose every figure has a unit and is a number. */
export function assertReport({ run, exitCode, clientOutput }: ProfileRun, profile: string): Report {
  assert.equal(exitCode, 0, clientOutput);
  assert.match(clientOutput, /^0 failures; report: /m);
  const files = readdirSync(run.results).sort();
  const log = profile === 'direct' ? [] : [`${profile}.log`];
  assert.deepEqual(files, [`${profile}.html`, `${profile}.json`, ...log]);
  const report = readReport(join(run.results, `${profile}.json`));
  assert.equal(report.title, `Compose, ${profile}`);
  assert.equal(report.setUp.commit, LOAD.COMMIT);
  assert.deepEqual(
    [report.setUp.options['connections'], report.setUp.options['rate'], report.setUp.options['rounds']],
    [LOAD.CONNECTIONS, LOAD.RATE, LOAD.ROUNDS],
  );
  assert.equal(report.setUp.options['concurrency'], LOAD.CONCURRENCY);
  assert.ok(report.command?.includes(`--profile ${profile} up`));
  for (const name of ['Latency by service', 'Throughput by service']) {
    const { columns, body } = tableOf(report, name);
    assert.deepEqual(
      body.map((row) => row.name),
      ['one', 'two', 'three'],
    );
    for (const column of columns) assert.ok(column.unit !== undefined, `${name}: ${column.name}`);
    const failures = columns.findIndex((column) => column.name === 'failures');
    for (const { cells } of body)
      for (const [index, cell] of cells.entries()) {
        assert.ok(cell !== null && isMeasured(cell), `${name}: ${columns[index]?.name}`);
        assert.ok(
          index === failures ? cell.median === 0 : cell.median > 0,
          `${name}: ${columns[index]?.name}`,
        );
      }
  }
  const page = readFileSync(join(run.results, `${profile}.html`), 'utf8');
  assert.match(page, /^<!doctype html>/);
  assert.match(page, /<\/html>\s*$/);
  for (const part of [`Compose, ${profile}`, 'Latency at a fixed rate', '<svg', `--profile ${profile}`])
    assert.ok(page.includes(part), part);
  return report;
}

export function tableOf({ sections }: Report, title: string): Table {
  const parts = sections.flatMap(({ parts }) => parts);
  const table = parts.find((part): part is Table => part.kind === 'table' && part.title === title);
  assert.ok(table !== undefined, title);
  return table;
}

/** Where a measurement ends, autocannon closes its connections with a request on each. */
const CUT = /^\[[^\]]+\] "GET \S+ HTTP\/1\.1" 0 DC .* "([0-9a-f-]{36})" /;

export interface Hops {
  readonly service: string;
  /** Proxies that logged the request. */
  readonly seen: string[];
}

/** By request id, but for requests that the client dropped. Every other line must be one of a request that went well. */
export function hopsOf(run: ComposeRun, proxies: readonly string[]): Map<string, Hops> {
  const requests = new Map<string, Hops>();
  const dropped = new Set<string>();
  for (const proxy of proxies) {
    const file = join(run.volume(`${proxy}-log`), 'access.log');
    for (const [index, line] of readFileSync(file, 'utf8').trimEnd().split('\n').entries()) {
      const cut = CUT.exec(line)?.[1];
      if (cut !== undefined) {
        dropped.add(cut);
        continue;
      }
      const record = parseRecord(line, proxy, index + 1);
      assert.ok(!isUnreadable(record) && record.ledger !== null, line);
      assert.equal(record.base?.responseCode, 200, line);
      const { requestId, authority } = record.base;
      assert.ok(requestId !== null && authority !== null, line);
      const request = requests.get(requestId) ?? { service: authority, seen: [] };
      assert.equal(request.service, authority);
      request.seen.push(proxy);
      requests.set(requestId, request);
    }
  }
  for (const id of dropped) requests.delete(id);
  assert.ok(requests.size > 10 * dropped.size, `${requests.size} requests, ${dropped.size} dropped`);
  return requests;
}

/** The slowest probes' lines are in the file for the tools and in the report, of every proxy on the way. */
export function assertSlowest(
  report: Report,
  run: ComposeRun,
  profile: string,
  proxiesOf: (service: string) => string[],
): void {
  const { body } = tableOf(report, `Where the time of the slowest went, ${profile}`);
  const numbers = [...new Set(body.map(({ name }) => name.split(',')[0] ?? ''))];
  assert.equal(numbers.length, 10);
  for (const number of numbers) {
    const service = number.split(': ')[1] ?? '';
    const proxies = body
      .filter(({ name }) => name.startsWith(`${number}, `))
      .map(({ name }) => name.split(', ')[1] ?? '');
    assert.deepEqual(new Set(proxies), new Set(proxiesOf(service)), number);
    assert.equal(proxies.length, proxiesOf(service).length, number);
  }
  for (const { name, cells } of body) assert.ok(typeof cells[2] === 'number' && cells[4] !== null, name);
  const lines = readFileSync(join(run.results, `${profile}.log`), 'utf8')
    .trimEnd()
    .split('\n');
  assert.equal(lines.length, body.length);
  for (const [index, line] of lines.entries())
    assert.ok(!isUnreadable(parseRecord(line, profile, index + 1)), line);
}

/** Where the host's ports lead to, someone listens. */
export async function assertPorts(run: ComposeRun, name: string): Promise<void> {
  const { service } = run.container(name);
  assert.ok(service.ports.length > 0);
  for (const port of service.ports) {
    const socket = connect(Number(port.split(':')[2]), run.addresses.of(service));
    await once(socket, 'connect');
    socket.destroy();
  }
}

/** Everything ended by itself, with code 0, within its grace period. */
export function assertEnd(run: ComposeRun, ended: ReadonlyMap<string, Ended>): void {
  assert.deepEqual([...ended.keys()].sort(), run.services.map(({ name }) => name).sort());
  for (const { name, graceMs } of run.services) {
    const { code, signal, ms } = ended.get(name) ?? { code: -1, signal: null, ms: NaN };
    assert.deepEqual([name, code, signal], [name, 0, null], run.container(name).output);
    assert.ok(ms < graceMs, `${name}: ${ms} ms`);
  }
  assert.ok(!existsSync(run.folder));
}
