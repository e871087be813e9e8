/** Where the time of a slow request went: parts that add up, and a judgement that the numbers bear. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PART_NAMES, explain, largestPart } from '../../bench/topology/explain.ts';
import { idIn, idPrefix, idStart } from '../../bench/topology/ids.ts';
import { hopOf } from '../../bench/topology/slow-requests.ts';
import type { Hop, SlowRequest } from '../../bench/topology/slow-requests.ts';
import { requestId } from '../../bench/harness/open-loop.ts';
import { isUnreadable, parseRecord } from '../../src/diagnose/parse-record.ts';

function hop(waitedUs: number, ledger: Readonly<Record<string, number>>): Hop {
  const entries = Object.entries(ledger).map(([segment, us]) => ({ segment, us }));
  return {
    proxy: 'proxy',
    waitedUs,
    totalUs: entries.reduce((sum, { us }) => sum + us, 0),
    ledger: entries,
    line: '',
  };
}

function slow(latencyUs: number, lagUs: number, ...hops: readonly (Hop | null)[]): SlowRequest {
  return { id: 'id', contender: 'nodeproxy', round: 0, latencyUs, lagUs, p50Us: 500, hops };
}

const FIRST = hop(1000, { loop: 2000, connect: 500, upstream: 15_000, body: 500, proxy: 300 });
const SECOND = hop(6000, { 'filter.x': 400, upstream: 5000, proxy: 600 });

test('all parts of a request through two proxies add up to its latency', () => {
  const explanation = explain(slow(21_000, 700, FIRST, SECOND));
  assert.deepEqual(explanation.parts, {
    client: 700,
    'outbound loop': 3000,
    'outbound proxy': 800,
    between: 3500,
    'inbound loop': 6000,
    'inbound proxy': 1000,
    service: 5000,
    rest: 1000,
  });
  const sum = PART_NAMES.reduce((total, name) => total + explanation.parts[name], 0);
  assert.equal(sum, 21_000);
  assert.equal(largestPart(explanation), 'inbound loop');
});

test('what two proxies await of each other is in no ledger and does not explain a request', () => {
  const second = hop(100, { upstream: 400 });
  const { judgement, inLedgers } = explain(slow(20_000, 0, FIRST, second));
  assert.equal(judgement, 'unexplained');
  assert.ok(inLedgers < 0.3);
});

test('a request is explained where most of the time after its sending stands in ledgers', () => {
  assert.equal(explain(slow(19_500, 0, FIRST)).judgement, 'explained');
  assert.equal(explain(slow(19_300 / 0.8 + 10, 0, FIRST)).judgement, 'unexplained');
  assert.equal(explain(slow(19_300 / 0.8 - 10, 0, FIRST)).judgement, 'explained');
});

test('what the client sent late is the client’s, whatever the logs say', () => {
  assert.equal(explain(slow(40_000, 20_000, FIRST)).judgement, 'client');
  assert.equal(explain(slow(40_000, 19_999, FIRST)).judgement, 'explained');
});

test('without lines nothing is explained, and without proxies all is the rest', () => {
  const lost = explain(slow(9000, 100, null, null));
  assert.equal(lost.judgement, 'unexplained');
  assert.equal(lost.parts.rest, 8900);
  assert.equal(explain(slow(9000, 100)).parts.rest, 8900);
  const half = explain(slow(20_000, 0, FIRST, null));
  assert.equal(half.parts.between, 15_500, 'the second proxy’s line is missing');
  assert.equal(half.judgement, 'unexplained');
});

test('a proxy that still waits for its client’s last byte does not make a part negative', () => {
  const { parts } = explain(slow(1000, 100, hop(0, { deliver: 5000 })));
  for (const name of PART_NAMES) assert.ok(parts[name] >= 0, name);
});

test('a hop is read from a line as the proxies write it', () => {
  const line =
    '[2026-11-21T13:34:00.595Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 12 55 49 "-" "-" ' +
    '"6d2e12aa-dc39-f2d1-42ab-981f00000002" "plain.s2" "10.231.2.12:8080" plain.s2 10.231.1.12:51800 ' +
    '10.231.1.12:15001 10.231.1.12:59462 - outbound_c2:plain.s2 : 55, 0, 45, 50, 5, 49 : (11378) ' +
    '"[C47:R:<34:00.595801>17,4467,86]H" "[C86~C86:R:0,<34:00.640808>36,150]d" ' +
    '"[C86:R:<34:00.645857>12,1820,160]H,D,E" 50 5 "[C47:R:0,<34:00.651360>58,168]d" ' +
    'loop=1820,connect=43754,upstream=3229,deliver=5410,proxy=1414 connect 43.7ms 78% 1024-1027';
  const record = parseRecord(line, 'log', 1);
  assert.ok(!isUnreadable(record));
  const { waitedUs, totalUs, ledger } = hopOf('sidecar-c2', record);
  assert.equal(waitedUs, 4467);
  assert.equal(totalUs, 55_627);
  assert.equal(ledger.length, 5);
  assert.equal(idIn(line), '6d2e12aa-dc39-f2d1-42ab-981f00000002');
});

test('ids of one load begin alike and those of two do not', () => {
  const [one, other] = [idPrefix(), idPrefix()];
  assert.ok(requestId(one, 7).startsWith(idStart(one)));
  assert.ok(requestId(one, 0xfffffffe).startsWith(idStart(one)));
  assert.notEqual(idStart(one), idStart(other));
  assert.equal(idIn('"GET /6d2e12aa HTTP/1.1" "-"'), null);
});
