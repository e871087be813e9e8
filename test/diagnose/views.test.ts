/** Counts of `logs errors`, `find` and `interfaces` are exactly what the generator wrote. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineReader } from '../../src/diagnose/scan/line-reader.ts';
import type { LineVisitor } from '../../src/diagnose/scan/line-reader.ts';
import { ALL_LINES } from '../../src/diagnose/scan/line-filter.ts';
import type { LineFilter } from '../../src/diagnose/scan/line-filter.ts';
import { ErrorView } from '../../src/diagnose/views/error-view.ts';
import { InterfaceView, templateOf } from '../../src/diagnose/views/interface-view.ts';
import { PairView, withoutPort } from '../../src/diagnose/views/pair-view.ts';
import { EPOCH_US, jsonOf, lineOf, randomOf, totalOf, Traffic } from './support/traffic.ts';
import type { Request } from './support/traffic.ts';

function read(view: LineVisitor, requests: readonly Request[], filter: LineFilter = ALL_LINES): LineReader {
  const reader = new LineReader(view, filter);
  if (view instanceof ErrorView) view.names = reader.names;
  reader.startFile('log');
  const lines = requests.map((request, index) => `${index % 7 === 6 ? jsonOf(request) : lineOf(request)}\n`);
  reader.chunk(Buffer.from(lines.join('')));
  reader.endFile();
  return reader;
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

const random = randomOf(12);
const traffic = new Traffic(12);
const FAILURES = [
  { code: 404, flags: 'NR', details: 'route_not_found', upstream: 0, created: 0, responsePieces: [] },
  { code: 404 },
  { code: 503, flags: 'UC', details: 'upstream_reset_before_response_started{connection_termination}' },
  { code: 500 },
  { code: 0, flags: 'DC', details: 'downstream_remote_disconnect' },
];
const REQUESTS = Array.from({ length: 3000 }, (): Request => {
  const failure = random() < 0.2 ? FAILURES[Math.floor(random() * FAILURES.length)] : {};
  return { ...traffic.healthy(), ...failure };
});
const pathOf = ({ path }: Request): string => path.replace(/\?.*/, '');

test('errors: exact counts by code, path and flags; the alert counts only what no route matched', () => {
  const view = new ErrorView();
  read(view, REQUESTS);
  const report = view.report();
  const failed = REQUESTS.filter(({ code }) => code === 0 || code >= 400);
  assert.equal(report.requests, 3000);
  assert.equal(report.clientErrors, failed.filter(({ code }) => code === 404).length);
  assert.equal(report.serverErrors, failed.filter(({ code }) => code >= 500).length);
  assert.equal(report.withoutCode, failed.filter(({ code }) => code === 0).length);
  assert.equal(report.unrouted, failed.filter(({ flags }) => flags === 'NR').length);
  assert.deepEqual(
    Object.fromEntries(report.rows.map((row) => [`${row.code} ${row.path} ${row.flags}`, row.count])),
    countBy(failed, (request) => `${request.code} ${pathOf(request)} ${request.flags}`),
  );
  for (const row of report.rows.filter(({ code }) => code === 404)) assert.equal(row.own, row.flags === 'NR');
});

test('find: pairs of source and destination of a path, in a span of time, with a code', () => {
  const find = (filter: Partial<LineFilter>): Record<string, number> => {
    const view = new PairView();
    read(
      view,
      REQUESTS.filter((_, index) => index % 7 !== 6),
      { ...ALL_LINES, ...filter },
    );
    return Object.fromEntries(
      view.report().map(({ source, destination, count }) => [`${source} ${destination}`, count]),
    );
  };
  const text = REQUESTS.filter((_, index) => index % 7 !== 6);
  const pair = ({ client, upstream }: Request): string =>
    `${client} ${upstream === 0 ? '-' : '10.1.0.9:9000'}`;
  // The filter that the reader leaves out renumbers nothing: every seventh line was JSON, which names no addresses of clients.
  const truth = (chosen: (request: Request) => boolean): Record<string, number> =>
    countBy(
      text.filter((request, index) => index % 7 !== 6 && chosen(request)),
      pair,
    );
  const found = (filter: Partial<LineFilter>): Record<string, number> => {
    const pairs = find(filter);
    return Object.fromEntries(Object.entries(pairs).filter(([key]) => !key.startsWith('- ')));
  };
  assert.deepEqual(
    found({ path: '/users' }),
    truth(({ path }) => path.startsWith('/users')),
  );
  assert.deepEqual(
    found({ code: 5 }),
    truth(({ code }) => code >= 500),
  );
  assert.deepEqual(
    found({ code: 404 }),
    truth(({ code }) => code === 404),
  );
  const [sinceUs, untilUs] = [EPOCH_US + 500_000, EPOCH_US + 900_000];
  assert.deepEqual(
    found({ sinceUs, untilUs }),
    truth(({ startUs }) => startUs >= sinceUs && startUs < untilUs),
  );
});

test('interfaces: counts, failures and latency by method and template', () => {
  const view = new InterfaceView();
  read(view, REQUESTS);
  const rows = view.report();
  const name = (request: Request): string => `${request.method} ${templateOf(pathOf(request))}`;
  assert.deepEqual(Object.fromEntries(rows.map((row) => [row.name, row.count])), countBy(REQUESTS, name));
  for (const row of rows) {
    const totals = REQUESTS.filter((request) => name(request) === row.name)
      .map(totalOf)
      .sort((a, b) => a - b);
    assert.equal(row.latency.max, totals.at(-1));
    const median = totals[Math.ceil(totals.length / 2) - 1] ?? 0;
    assert.ok(
      Math.abs(row.latency.p50 - median) < median * 0.05,
      `${row.name}: ${row.latency.p50}, ${median}`,
    );
  }
});

test('templates take out what varies and keep names', () => {
  assert.equal(templateOf('/users/17'), '/users/{id}');
  assert.equal(templateOf('/v2/orders/2f8a91c0d3e4/items'), '/v2/orders/{id}/items');
  assert.equal(templateOf('/a/8d1ba2c4-cfad-91cb-8c45-9040d3836aa1'), '/a/{id}');
  assert.equal(templateOf('/order-10293/x'), '/order-{id}/x');
  assert.equal(templateOf('/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpX'), '/t/{id}');
  assert.equal(templateOf('/static/jquery.min.js'), '/static/jquery.min.js');
  assert.equal(templateOf('/deadbeef'), '/deadbeef');
  assert.equal(templateOf('/'), '/');
});

test('a path for every request does not make an interface for every request', () => {
  const view = new InterfaceView();
  const base = traffic.healthy();
  const letters = (index: number): string =>
    String(index).replaceAll(/\d/g, (digit) => 'qwertzuiop'[Number(digit)] ?? '');
  read(
    view,
    Array.from({ length: 3000 }, (_, index) => ({ ...base, path: `/${letters(index)}` })),
  );
  assert.equal(view.report().length, 1001);
  assert.equal(
    view.report().reduce((sum, { count }) => sum + count, 0),
    3000,
  );
  assert.ok(view.beyond > 0);
});

test('an address without its port', () => {
  assert.equal(withoutPort('10.0.0.1:49218'), '10.0.0.1');
  assert.equal(withoutPort('[::1]:80'), '::1');
  assert.equal(withoutPort('::1'), '::1');
  assert.equal(withoutPort('/run/x.sock'), '/run/x.sock');
});
