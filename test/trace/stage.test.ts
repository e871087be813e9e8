/** Stages out of log lines, and hops on one time axis, without a proxy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLogLine } from '../../src/trace/log-line.ts';
import type { LogLine } from '../../src/trace/log-line.ts';
import { mergeHops } from '../../src/trace/merge-hops.ts';
import { addressOfUpstream, traceHop } from '../../src/trace/stage.ts';

function lines(text: string): LogLine[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [, ms = '', rest = ''] = /^\s*(\S+) (.*)$/.exec(line) ?? [];
      const micros = String(Math.round(Number(ms) * 1000)).padStart(6, '0');
      return parseLogLine(`2026-11-21T10:00:00.${micros} 77 debug ${rest}`) ?? assert.fail(line);
    });
}

const NEAR = lines(`
  1 conn_handler [C1] new connection from 127.0.0.1:4000
  1.1 connection [C1] read 90 bytes
  1.2 main a line about the process
  1.3 http [C1][S1] new stream
  1.4 connection [C9] wrote 5 bytes, 0 left
  1.5 pool queueing stream due to no available connections to 127.0.0.1:90
  1.6 pool [C2] creating a new connection to 127.0.0.1:90
  1.7 connection [C2] its local address is 127.0.0.1:5000
  1.8 router [C1][S1] pool ready: upstream connection [C2]
  2 router [C1][S1] encoding request via codec (end_stream=true): GET /
  2.1 connection [C2] wrote 90 bytes, 0 left
  9 connection [C2] read 120 bytes
  9.2 connection [C1] wrote 120 bytes, 0 left
  9.3 http [C1][S1] access log line written (DownstreamEnd)
  9.4 connection [C1] closing downstream socket in state open
`);

test('the stages of a request are those of its connections, from accept to the access log', () => {
  const trace = traceHop(0, [], NEAR, '127.0.0.1:4000') ?? assert.fail();
  assert.deepEqual([trace.downstream, trace.upstream, trace.stream], [1, 2, 1]);
  assert.deepEqual(
    trace.stages.map(({ name, upstream, stream }) => `${name} ${upstream} ${stream}`),
    [
      'accept 0 0',
      'read from client 0 0',
      'stream created 0 1',
      'pool: request waits 0 1',
      'pool: new connection 2 1',
      'connect: own address 2 1',
      'pool: ready 2 1',
      'codec: request encoded 2 1',
      'flush to upstream 2 1',
      'read from upstream 2 1',
      'flush to client 2 1',
      'access log 2 1',
    ],
  );
  assert.equal(addressOfUpstream(NEAR, 2), '127.0.0.1:5000');
});

test('a request whose line is not logged yet, or of another client, is no trace', () => {
  assert.equal(traceHop(0, [], NEAR.slice(0, -2), '127.0.0.1:4000'), null);
  assert.equal(traceHop(0, [], NEAR, '127.0.0.1:4001'), null);
});

/** What the next hop logs, its clock `late` ms behind. */
function far(late: number): LogLine[] {
  return lines(`
    ${3 - late} conn_handler [C1] new connection from 127.0.0.1:5000
    ${3.1 - late} connection [C1] read 90 bytes
    ${6 - late} http [C1][S1] encoding headers via codec (end_stream=true): 200
    ${6.1 - late} http [C1][S1] access log line written (DownstreamEnd)
  `);
}

test('a hop whose clock is behind is moved so far that it receives after it was sent', () => {
  for (const [late, shift] of [
    [0, 0],
    [2, 0.9],
    [-4, -1],
  ] as const) {
    const hops = [
      traceHop(0, [], NEAR, '127.0.0.1:4000') ?? assert.fail(),
      traceHop(1, [], far(late), '127.0.0.1:5000') ?? assert.fail(),
    ];
    const { stages, shifts } = mergeHops(hops);
    assert.ok(Math.abs((shifts[1] ?? 0) - shift) < 0.01, `${late}: ${shifts[1]}`);
    assert.deepEqual(
      stages.map(({ at }) => at),
      stages.map(({ at }) => at).sort((a, b) => a - b),
    );
    const names = stages.map(({ hop, name }) => `${hop} ${name}`);
    assert.ok(names.indexOf('0 codec: request encoded') <= names.indexOf('1 read from client'));
    assert.ok(names.indexOf('1 codec: response encoded') < names.indexOf('0 flush to client'));
  }
});

test('lines of another kind are none', () => {
  for (const line of ['', '    at main (file.ts:1:2)', 'Error: broken'])
    assert.equal(parseLogLine(line), null);
});
