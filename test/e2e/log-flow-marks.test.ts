/**
 * The marks of flow control in whole lines: in the group of the side whose limit is low and in no other, across two requests of one
 * connection, and the writes of a response whose client does not read.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { fillUntilPaused } from '../support/fill.ts';
import { startRawService } from '../support/lab-server.ts';
import { LONG_FORMAT, marksOf, msBetween, parseLong } from '../support/instrumented.ts';
import type { LongLine } from '../support/instrumented.ts';
import type { ReadFragment } from '../../src/observe/grammar/fragments.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { get, pause, post, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const KIB = 1024;
const LOW = 8 * KIB;
const HIGH = 1024 * KIB;
/** Above the low limit, as the talk's request is. */
const REQUEST_BYTES = 10_170;
/** Many reads' worth, less than the high limit. */
const BODY_BYTES = 900 * KIB;
const HELD_MS = 200;

/** The exchange that a test answers itself. */
let held = Promise.withResolvers<Socket>();

interface Limits {
  readonly listener: number;
  readonly cluster: number;
}

interface Setting extends Limits {
  readonly socketInterface: 'syscall' | 'portable';
  readonly format?: string;
}

/** An upstream that sends as many bytes as it is asked for, behind a proxy with those limits. One worker: one pool. */
async function withLimits(setting: Setting, use: (proxy: RunningProxy) => Promise<void>): Promise<void> {
  held = Promise.withResolvers();
  const upstream = await startRawService(({ socket, head }) => {
    if (head.startsWith('GET /held')) return held.resolve(socket);
    const size = Number(/size=(\d+)/.exec(head)?.[1] ?? 12);
    return void socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${'x'.repeat(size)}`);
  });
  const limit = (bytes: number) => ({ per_connection_buffer_limit_bytes: bytes });
  const proxy = await startProxy({
    concurrency: 1,
    socketInterface: setting.socketInterface,
    staticResources: httpProxyTo([upstream.port], {
      format: setting.format ?? LONG_FORMAT,
      listener: limit(setting.listener),
      cluster: limit(setting.cluster),
    }),
  });
  try {
    await use(proxy);
  } finally {
    await proxy.stop();
    await upstream.stop();
  }
}

/** The groups of an exchange with a large request and a large response. */
async function groupsOf(
  limits: Setting,
): Promise<{ readonly downstream: string; readonly upstream: string }> {
  const groups = '%DOWNSTREAM_READ_DURATION% %UPSTREAM_READ_DURATION% %BYTES_RECEIVED% %BYTES_SENT%';
  let line = '';
  await withLimits({ ...limits, format: groups }, async (proxy) => {
    const client = await RawClient.connect(proxy.port('http'));
    // While there is no upstream connection the body is held, within the listener's limit.
    await client.ask(get('/'));
    await client.ask(post(`/?size=${BODY_BYTES}`, 'x'.repeat(BODY_BYTES)));
    client.destroy();
    [, line = ''] = await proxy.logLines(2);
  });
  const [downstream = '', upstream = '', received, sent] = line.split(' ');
  assert.deepEqual([Number(received), Number(sent)], [BODY_BYTES, BODY_BYTES]);
  return { downstream, upstream };
}

async function linesOf(proxy: RunningProxy, requests: readonly string[]): Promise<LongLine[]> {
  const client = await RawClient.connect(proxy.port('http'));
  for (const request of requests) await client.ask(request);
  client.destroy();
  return (await proxy.logLines(requests.length)).map(parseLong);
}

function allMarks(fragments: readonly ReadFragment[]): string {
  return fragments.map(marksOf).join('-');
}

for (const socketInterface of INTERFACES) {
  describe(`marks of flow control on the ${socketInterface} interface`, () => {
    test('a low limit of the listener pauses the upstream’s reads, one of the cluster the client’s', async () => {
      const down = await groupsOf({ listener: LOW, cluster: HIGH, socketInterface });
      assert.match(down.upstream, /\]H?,?D!/, 'the response');
      assert.doesNotMatch(down.downstream, /[HDE][!+]/, 'the request');
      const up = await groupsOf({ listener: HIGH, cluster: LOW, socketInterface });
      assert.match(up.downstream, /\](H,)?D!/, 'the request');
      assert.doesNotMatch(up.upstream, /[HDE][!+]/, 'the response');
    });

    test('limit 0 is no limit: nothing is paused', async () => {
      const { upstream, downstream } = await groupsOf({ listener: 0, cluster: 0, socketInterface });
      assert.doesNotMatch(upstream + downstream, /[HDE][!+]/);
    });

    test('a whole request that pauses its own connection ends in !1; the next one of the connection tells when it went on', async () => {
      await withLimits({ listener: HIGH, cluster: LOW, socketInterface }, async (proxy) => {
        const [first, second] = await linesOf(proxy, [post('/', 'x'.repeat(REQUEST_BYTES)), get('/')]);
        // In one read, unless the kernel gave it in two.
        assert.match(allMarks(first?.reads ?? []), /^H,D(-D)?,E!$/, first?.text ?? '');
        const paused = first?.reads.at(-1);
        assert.deepEqual(paused?.marks.at(-1)?.flows, [{ kind: 'paused', consecutive: 1 }]);
        assert.equal(allMarks(second?.reads ?? []), 'H+', second?.text ?? '');
        const [resumed] = second?.reads[0]?.marks[0]?.flows ?? [];
        assert.ok(resumed?.kind === 'resumed' && paused !== undefined);
        // Between the first one's read and the second one's, and as long as it says, stamps truncated each for itself.
        const since = msBetween(paused.stampUs, resumed.stampUs);
        const until = msBetween(resumed.stampUs, second?.reads[0]?.stampUs ?? 0);
        assert.ok(resumed.after <= since + 1, `${first?.text}\n${second?.text}`);
        assert.ok(until < 20_000, `${first?.text}\n${second?.text}`);
      });
    });

    test('a client that does not read: a write without d that waited for the socket, the last one with d', async () => {
      const format = '"%DOWNSTREAM_WRITE_DURATION%" %RESPONSE_TX_DURATION% %BYTES_SENT%';
      await withLimits({ listener: LOW, cluster: HIGH, socketInterface, format }, async (proxy) => {
        const client = await RawClient.connect(proxy.port('http'));
        client.socket.pause();
        client.write(get('/held'));
        const socket = await held.promise;
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
        const size = await fillUntilPaused(proxy, socket, 'cluster.upstream.upstream_flow_control');
        await pause(HELD_MS);
        socket.write('5\r\nhello\r\n0\r\n\r\n');
        client.socket.removeAllListeners('data').on('data', () => undefined);
        client.socket.resume();
        const [text = ''] = await proxy.logLines(1);
        const [, writes = '', tx = '', sent = ''] = /^"([^"]*)" (\d+) (\d+)$/.exec(text) ?? [];
        assert.equal(Number(sent), size + 5);
        assert.match(writes, /\]d$/, text);
        assert.ok(Number(tx) >= HELD_MS, text);
        // What Node's socket holds back, the portable interface cannot see.
        if (socketInterface === 'syscall') assert.match(writes, /\]-\[C\d+:R:[1-9]\d*,</, text);
        client.destroy();
      });
    });
  });
}
