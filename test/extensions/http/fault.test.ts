import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaultConfig } from '../../../src/api/envoy.ts';
import type { StreamFilter } from '../../../src/api/http.ts';
import { FAULT_FILTER } from '../../../src/extensions/http/fault.ts';
import { HttpBench, ledgerText, parse } from '../../http/support/http-bench.ts';
import { filterContext } from './filter-context.ts';

const ALWAYS = { numerator: 100 };

async function faultBench(config: FaultConfig, perRoute?: FaultConfig): Promise<HttpBench> {
  let create: (() => StreamFilter) | null = null;
  const bench = new HttpBench({
    filters: [() => (create === null ? {} : create())],
    route: { perFilterConfig: () => perRoute },
  });
  create = await FAULT_FILTER.prepare(config, filterContext(bench));
  return bench;
}

function get(headers = ''): string {
  return `GET / HTTP/1.1\r\nhost: h\r\n${headers}\r\n`;
}

test('an abort answers with its status, flag FI and its details', async () => {
  const bench = await faultBench({ abort: { http_status: 503, percentage: ALWAYS } });
  bench.receive(get());
  const { status, body } = parse(bench.answer());
  assert.equal(status, 'HTTP/1.1 503 Service Unavailable');
  assert.equal(body, 'fault filter abort');
  assert.deepEqual(bench.log[0]?.flags, ['FI']);
  assert.equal(bench.log[0]?.details, 'fault_filter_abort');
  assert.equal(bench.stat('fault.aborts_injected'), 1);
  assert.equal(bench.stat('fault.active_faults'), 0);
});

test('a delay holds the request for its time and lets it go on, flagged DI', async () => {
  const bench = await faultBench({ delay: { fixed_delay: 50, percentage: ALWAYS } });
  bench.receive(get());
  bench.dispatcher.advance(49);
  assert.equal(bench.terminal.seen.length, 0);
  assert.equal(bench.stat('fault.active_faults'), 1);
  bench.dispatcher.advance(1);
  assert.deepEqual(bench.terminal.seen, ['headers end']);
  bench.terminal.respond(200);
  bench.flush();
  assert.deepEqual(bench.log[0]?.flags, ['DI']);
  assert.equal(bench.stat('fault.delays_injected'), 1);
  const info = bench.log[0]?.context.info;
  assert.ok(info !== undefined);
  assert.equal(ledgerText(info), 'paused.f0=50000');
});

test('delay and abort come one after the other', async () => {
  const bench = await faultBench({
    delay: { fixed_delay: 5, percentage: ALWAYS },
    abort: { http_status: 500, percentage: ALWAYS },
  });
  bench.receive(get());
  assert.equal(bench.answer(), '');
  bench.dispatcher.advance(5);
  assert.match(bench.answer(), /^HTTP\/1\.1 500 /);
  assert.deepEqual([...(bench.log[0]?.flags ?? [])].sort(), ['DI', 'FI']);
});

test('a share of ten percent takes the draw below a tenth and no other', async () => {
  const bench = await faultBench({ abort: { http_status: 503, percentage: { numerator: 10 } } });
  // Each request draws twice: for its route, then for the fault.
  bench.dispatcher.randoms.push(0.5, 0.1, 0.5, 0.0999);
  bench.receive(get());
  bench.terminal.respond(200);
  assert.match(bench.answer(), /^HTTP\/1\.1 200 /);
  bench.receive(get());
  assert.match(bench.answer(), /^HTTP\/1\.1 503 /);
});

test('headers set delay and status, and a percentage header only lowers the share', async () => {
  const bench = await faultBench({
    delay: { header_delay: {}, percentage: ALWAYS },
    abort: { header_abort: {}, percentage: ALWAYS },
  });
  bench.receive(get('x-envoy-fault-delay-request: 7\r\nx-envoy-fault-abort-request: 418\r\n'));
  bench.dispatcher.advance(6);
  assert.equal(bench.answer(), '');
  bench.dispatcher.advance(1);
  assert.match(bench.answer(), /^HTTP\/1\.1 418 /);
  bench.receive(get('x-envoy-fault-abort-request: 418\r\nx-envoy-fault-abort-request-percentage: 0\r\n'));
  assert.deepEqual(bench.terminal.seen, ['headers end']);
});

test('nonsense in the headers injects nothing', async () => {
  const bench = await faultBench({
    delay: { header_delay: {}, percentage: ALWAYS },
    abort: { header_abort: {}, percentage: ALWAYS },
  });
  bench.receive(
    get('x-envoy-fault-delay-request: -7\r\nx-envoy-fault-abort-request: 99999999999999999999\r\n'),
  );
  assert.deepEqual(bench.terminal.seen, ['headers end']);
});

test('only requests with the configured headers are meant', async () => {
  const bench = await faultBench({
    headers: [{ name: 'x-test', string_match: { exact: 'yes' } }],
    abort: { http_status: 503, percentage: ALWAYS },
  });
  bench.receive(get('x-test: no\r\n'));
  assert.deepEqual(bench.terminal.seen, ['headers end']);
});

test('no more faults than max_active_faults, and the one too many is counted', async () => {
  const bench = await faultBench({ max_active_faults: 0, abort: { http_status: 503, percentage: ALWAYS } });
  bench.receive(get());
  assert.deepEqual(bench.terminal.seen, ['headers end']);
  assert.equal(bench.stat('fault.faults_overflow'), 1);
});

test('a route replaces the settings whole', async () => {
  const bench = await faultBench({ abort: { http_status: 503, percentage: ALWAYS } }, {});
  bench.receive(get());
  assert.deepEqual(bench.terminal.seen, ['headers end']);
});

test('a client that leaves during the delay ends the fault and its timer', async () => {
  const bench = await faultBench({ delay: { fixed_delay: 50, percentage: ALWAYS } });
  bench.receive(get());
  bench.dispatcher.run(() => bench.connection.receiveEnd());
  assert.equal(bench.stat('fault.active_faults'), 0);
  bench.dispatcher.advance(100);
  assert.equal(bench.terminal.seen.length, 0);
  assert.equal(bench.log.length, 1);
});
