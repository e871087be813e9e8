/** One request, whatever the format of its line: JSON by many names, wrappers of container runtimes, plain lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUnreadable, parseRecord } from '../../src/diagnose/parse-record.ts';
import type { LogRecord } from '../../src/diagnose/record.ts';
import { diagnosed } from './support/diagnosed.ts';
import { jsonOf, lineOf, Traffic } from './support/traffic.ts';

function record(line: string): LogRecord {
  const parsed = parseRecord(line, 'log', 3);
  assert.ok(!isUnreadable(parsed), JSON.stringify(parsed));
  return parsed;
}

const REQUEST = new Traffic(11).ill('gap');
const LINE = lineOf(REQUEST);

test('the full line: start and total to the microsecond, ledger and turns', () => {
  const found = record(LINE);
  assert.equal(found.startUs, REQUEST.startUs);
  assert.equal(
    found.totalUs,
    found.ledger?.reduce((sum, { us }) => sum + us, 0),
  );
  assert.equal(found.resolutionUs, 1);
  assert.deepEqual(found.loopTurns, { start: REQUEST.turns[0], end: REQUEST.turns[1] });
  assert.equal(found.downstreamWrites?.length, 1);
});

test('JSON with the keys of config/json-log.yaml', () => {
  const found = record(jsonOf(REQUEST));
  assert.equal(found.format, 'json');
  assert.equal(found.base?.path, REQUEST.path);
  assert.equal(found.base?.bytesSent, REQUEST.sent);
  assert.equal(found.threadId, REQUEST.thread);
  assert.equal(found.totalUs, record(LINE).totalUs);
  assert.deepEqual(found.upstreamReads, record(LINE).upstreamReads);
  assert.equal(found.startUs, REQUEST.startUs);
});

test('JSON whose keys are operators', () => {
  const found = record(
    JSON.stringify({
      '%START_TIME%': '2023-11-28T02:21:36.106Z',
      '%REQ(:METHOD)%': 'GET',
      '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%': '/x',
      '%RESPONSE_CODE%': 503,
      '%RESPONSE_FLAGS%': 'UF,URX',
      '%DURATION%': '1089',
      '%REQUEST_DURATION%': 0,
      '%REQUEST_TX_DURATION%': 136,
      '%RESPONSE_DURATION%': 1089,
      '%RESPONSE_TX_DURATION%': 0,
      '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%': '1033',
      '%THREAD_ID%': 42,
      '%DOWNSTREAM_READ_DURATION(us)%': '[C56:R:<21:36.106000>0,0,96]H',
      '%UPSTREAM_WRITE_DURATION(us)%': '-',
    }),
  );
  assert.deepEqual(found.flags, ['UF', 'URX']);
  assert.equal(found.six?.requestTxDuration, 136);
  assert.equal(found.six?.upstreamServiceTime, 1033);
  assert.equal(found.downstreamReads?.length, 1);
  assert.deepEqual(found.upstreamWrites, []);
  assert.equal(found.startUs, 1_701_138_096_106_000);
});

test('Istio’s JSON names', () => {
  const found = record(
    '{"start_time":"2023-11-28T02:21:36.106Z","method":"GET","path":"/","protocol":"HTTP/1.1","response_code":200,' +
      '"response_flags":"-","response_code_details":"via_upstream","bytes_received":0,"bytes_sent":12,"duration":7,' +
      '"upstream_service_time":"5","x_forwarded_for":null,"user_agent":"curl","request_id":"r-1","authority":"a",' +
      '"upstream_host":"10.0.0.2:80","upstream_cluster":"c","downstream_remote_address":"10.0.0.1:5","route_name":"default"}',
  );
  assert.equal(found.totalUs, 7000);
  assert.deepEqual(found.flags, []);
  assert.equal(found.base?.upstreamServiceTime, 5);
  assert.equal(found.base?.requestId, 'r-1');
  assert.equal(found.base?.upstreamCluster, 'c');
});

test('lines inside of what container runtimes write', () => {
  const docker = JSON.stringify({ log: `${LINE}\n`, stream: 'stdout', time: '2026-11-21T06:00:00.1Z' });
  assert.equal(record(docker).totalUs, record(LINE).totalUs);
  assert.equal(record(`2026-11-21T06:00:00.123456789Z stdout F ${LINE}`).totalUs, record(LINE).totalUs);
  assert.equal(record(JSON.stringify({ log: jsonOf(REQUEST) })).format, 'json');
  const [reason] = [parseRecord('{"log":"started"}', 'log', 1)];
  assert.ok(isUnreadable(reason) && reason.reason === 'not an access-log line');
});

test('Envoy’s own default line: base fields, nothing of threads', () => {
  const found = record(
    '[2026-11-21T06:00:00.000Z] "GET /a HTTP/1.1" 503 UF 0 91 12 - "-" "curl" "id" "host" "10.0.0.2:80"',
  );
  assert.equal(found.threadId, null);
  assert.equal(found.totalUs, 12_000);
  assert.deepEqual(found.flags, ['UF']);
  assert.equal(found.base?.upstreamHost, '10.0.0.2:80');
  const report = diagnosed([
    '[2026-11-21T06:00:00.000Z] "GET /a HTTP/1.1" 503 UF 0 91 12 - "-" "curl" "id" "host" "10.0.0.2:80"',
  ]);
  assert.equal(report.findings[0]?.subject, 'UF');
  assert.equal(report.balance, null);
});

test('start times of one’s own format', () => {
  const with_ = (time: string): number | null => record(LINE.replace(/^\[[^\]]*\]/, `[${time}]`)).startUs;
  const atUs = REQUEST.startUs;
  assert.equal(with_((atUs / 1_000_000).toFixed(3)), atUs);
  assert.equal(with_(String(Math.floor(atUs / 1000))), atUs);
  assert.equal(with_('yesterday'), null);
  assert.equal(diagnosed([LINE.replace(/^\[[^\]]*\]/, '[yesterday]')]).requests, 1);
});
