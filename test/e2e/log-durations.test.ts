/**
 * The six numbers against a clock of the test's own: a client that is slow to send, a filter that waits, a line before the pool, an
 * upstream that thinks and then sends in two parts. Lower bounds are exact, upper bounds are what the test itself saw pass.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRawService } from '../support/lab-server.ts';
import type { RawExchange, RawService } from '../support/lab-server.ts';
import { bytesOf, javascriptFilter, LONG_FORMAT, parseLong } from '../support/instrumented.ts';
import type { LongLine } from '../support/instrumented.ts';
import { untilStat } from '../support/instrumented.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { HttpOptions, RunningProxy } from '../support/proxy.ts';
import { get, pause, post, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';
const DELAY_FILTER = javascriptFilter(
  'delay',
  new URL('../../config/filters/delay.js', import.meta.url).pathname,
);
const SEND_MS = 80;
const FILTER_MS = 56;
const THINK_MS = 120;
const BODY_MS = 60;
/** Numbers are truncated to whole ms, each for itself. */
const ROUNDING_MS = 1;
/** A timer of the filter counts from the beginning of its loop's turn, so its wait is shorter by what had passed of that turn. */
const TURN_MS = 20;
/** Between a system call of the proxy and the stamp behind it others may have the processor. */
const PREEMPTED_MS = 40;
/** Sizes of the talk: a request of 262,316 bytes with its head. */
const UPLOAD_BYTES = 262_316;

/** Written from Istio's documentation of its default format alone: fields by position, quoted or bare. */
const ISTIO_PATTERN = new RegExp(
  String.raw`^\[(?<start>[^\]]+)\] "(?<method>\S+) (?<path>\S+) (?<protocol>\S+)" (?<code>\d+) (?<flags>\S+) (?<details>\S+) (?<termination>\S+) ` +
    String.raw`"(?<transport>[^"]*)" (?<received>\d+) (?<sent>\d+) (?<duration>\d+) (?<service>\d+|-) "(?<xff>[^"]*)" "(?<agent>[^"]*)" ` +
    String.raw`"(?<id>[^"]*)" "(?<authority>[^"]*)" "(?<host>[^"]*)" (?<cluster>\S+) (?<upLocal>\S+) (?<downLocal>\S+) (?<downRemote>\S+) ` +
    String.raw`(?<sni>\S+) (?<route>\S+)(?<rest>.*)$`,
);
const THREAD_COLUMN = 33;

let upstream: RawService;
let answer: (exchange: RawExchange) => void = () => undefined;
before(async () => {
  upstream = await startRawService((exchange) => answer(exchange));
});
after(() => upstream.stop());

async function withProxy(
  options: HttpOptions,
  socketInterface: 'syscall' | 'portable',
  use: (proxy: RunningProxy) => Promise<void>,
): Promise<void> {
  const staticResources = httpProxyTo([upstream.port], { format: LONG_FORMAT, ...options });
  const proxy = await startProxy({ staticResources, socketInterface, concurrency: 1 });
  try {
    await use(proxy);
  } finally {
    await proxy.stop();
  }
}

function numbersOf({ six, text }: LongLine) {
  const { duration, requestDuration, requestTxDuration, responseDuration, responseTxDuration } = six;
  const { upstreamServiceTime } = six;
  assert.ok(duration !== null && requestDuration !== null && requestTxDuration !== null, text);
  assert.ok(responseDuration !== null && responseTxDuration !== null && upstreamServiceTime !== null, text);
  return {
    duration,
    requestDuration,
    requestTxDuration,
    responseDuration,
    responseTxDuration,
    upstreamServiceTime,
  };
}

for (const socketInterface of INTERFACES) {
  describe(`the six numbers on the ${socketInterface} interface`, () => {
    test('each is what was done to it', async () => {
      let thought = 0;
      const headArrived = Promise.withResolvers<void>();
      answer = ({ socket, head }) => {
        if (head.startsWith('GET')) {
          socket.write(HELLO);
          return;
        }
        const begun = performance.now();
        setTimeout(() => {
          thought = performance.now() - begun;
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello ');
        }, THINK_MS);
        void headArrived.promise.then(async () => {
          await pause(BODY_MS);
          socket.write('world\n');
        });
      };
      await withProxy({ filters: [DELAY_FILTER] }, socketInterface, async (proxy) => {
        const client = await RawClient.connect(proxy.port('http'));
        await client.ask(get('/warm'));
        const request = post('/slow', 'x'.repeat(1000), [`x-delay: ${FILTER_MS}`]);
        const begun = performance.now();
        const received = await proxy.stat('http.ingress.downstream_cx_rx_bytes_total');
        client.write(request.slice(0, -500));
        await untilStat(proxy, 'http.ingress.downstream_cx_rx_bytes_total', received + request.length - 500);
        await pause(SEND_MS);
        const sentAfter = performance.now() - begun;
        client.write(request.slice(-500));
        await client.until(/Hello/);
        headArrived.resolve();
        await client.response();
        const took = performance.now() - begun;
        const [, text = ''] = await proxy.logLines(2);
        const logged = performance.now() - begun;
        const line = parseLong(text);
        const six = numbersOf(line);
        // The filter holds the head while the body is still on its way: its time is hidden behind the client's here.
        assert.ok(six.requestDuration >= SEND_MS - ROUNDING_MS, text);
        assert.ok(six.requestDuration <= took - thought - BODY_MS + 2 * ROUNDING_MS, `${sentAfter}: ${text}`);
        assert.ok(six.requestTxDuration >= six.requestDuration, text);
        assert.ok(
          six.responseDuration - six.requestTxDuration >= thought - PREEMPTED_MS,
          `${thought}: ${text}`,
        );
        assert.ok(six.upstreamServiceTime >= thought - 2 * ROUNDING_MS - 1, text);
        assert.ok(six.responseTxDuration >= BODY_MS - 2 * ROUNDING_MS - 1, text);
        assert.ok(six.duration <= logged + ROUNDING_MS, text);
        // The stream ends a moment behind its last write: time of the proxy itself.
        const own = ((line.ledger.get('deliver') ?? 0) + (line.ledger.get('proxy') ?? 0)) / 1000;
        const behind = six.duration - six.responseDuration - six.responseTxDuration;
        assert.ok(behind >= -ROUNDING_MS && behind <= ROUNDING_MS + own, text);
        assert.ok((line.ledger.get('client') ?? 0) >= (SEND_MS - FILTER_MS - TURN_MS) * 1000, text);
        assert.ok((line.ledger.get('upstream') ?? 0) >= (thought - PREEMPTED_MS) * 1000, text);
        assert.ok((line.ledger.get('body') ?? 0) >= (BODY_MS - 10) * 1000, text);
        client.destroy();
      });
    });

    test('a filter and the pool’s line: 3rd less 2nd, told apart by the ledger', async () => {
      const held = Promise.withResolvers<RawExchange>();
      answer = (exchange) => {
        if (exchange.head.includes('/held')) held.resolve(exchange);
        else exchange.socket.write(HELLO);
      };
      const circuit = { circuit_breakers: { thresholds: [{ max_connections: 1 }] } };
      await withProxy({ filters: [DELAY_FILTER], cluster: circuit }, socketInterface, async (proxy) => {
        const [holder, waiter] = [
          await RawClient.connect(proxy.port('http')),
          await RawClient.connect(proxy.port('http')),
        ];
        holder.write(get('/held'));
        const { socket } = await held.promise;
        waiter.write(get('/waits', [`x-delay: ${FILTER_MS}`]));
        await untilStat(proxy, 'cluster.upstream.upstream_rq_pending_active', 1);
        await pause(SEND_MS);
        socket.write(HELLO);
        await Promise.all([holder.response(), waiter.response()]);
        const lines = (await proxy.logLines(2)).map(parseLong);
        const line = lines.find(({ base }) => base.path === '/waits');
        assert.ok(line !== undefined);
        const six = numbersOf(line);
        const { text } = line;
        const waited = six.requestTxDuration - six.requestDuration;
        assert.ok(waited >= FILTER_MS + SEND_MS - TURN_MS, text);
        // The service time begins when the router has the request: 4th less 2nd less 6th is the filter.
        const inFilter = six.responseDuration - six.requestDuration - six.upstreamServiceTime;
        assert.ok(inFilter >= FILTER_MS - TURN_MS, text);
        const [pool, paused] = [line.ledger.get('pool') ?? 0, line.ledger.get('paused.delay') ?? 0];
        assert.ok(pool >= (SEND_MS - 2) * 1000, text);
        assert.ok(paused >= (FILTER_MS - TURN_MS) * 1000, text);
        assert.ok((pool + paused) / 1000 <= waited + 2 * ROUNDING_MS + 1, text);
        for (const client of [holder, waiter]) client.destroy();
      });
    });

    test('an upload of the talk’s size is counted to the byte on both sides', async () => {
      const wire = { forwarded: 0 };
      answer = ({ socket, head, body }) => {
        wire.forwarded = head.length + 4 + body.length;
        socket.write(HELLO);
      };
      await withProxy({}, socketInterface, async (proxy) => {
        const client = await RawClient.connect(proxy.port('http'));
        const head = post('/upload', '').length + '262222'.length - 1;
        const request = post('/upload', 'x'.repeat(UPLOAD_BYTES - head));
        assert.equal(request.length, UPLOAD_BYTES);
        await client.ask(request);
        const [text = ''] = await proxy.logLines(1);
        const line = parseLong(text);
        assert.equal(bytesOf(line.reads), UPLOAD_BYTES);
        assert.equal(bytesOf(line.upstreamWrites), wire.forwarded);
        assert.ok(wire.forwarded > UPLOAD_BYTES, 'headers of the proxy');
        client.destroy();
      });
    });
  });
}

test('a line is one of Istio’s for someone else’s pattern, with the thread in column 33', async () => {
  answer = ({ socket }) => void socket.write(HELLO);
  await withProxy({}, 'portable', async (proxy) => {
    const client = await RawClient.connect(proxy.port('http'));
    await client.ask(get('/a?b=c', ['user-agent: curl/8.4.0']));
    const [text = ''] = await proxy.logLines(1);
    const fields = ISTIO_PATTERN.exec(text)?.groups ?? {};
    const { threadId, base } = parseLong(text);
    assert.deepEqual(
      [
        fields['method'],
        fields['path'],
        fields['protocol'],
        fields['code'],
        fields['flags'],
        fields['details'],
      ],
      ['GET', '/a?b=c', 'HTTP/1.1', '200', '-', 'via_upstream'],
    );
    assert.deepEqual(
      [
        fields['agent'],
        fields['authority'],
        fields['host'],
        fields['cluster'],
        fields['sni'],
        fields['route'],
      ],
      ['curl/8.4.0', 'test', `127.0.0.1:${upstream.port}`, 'upstream', '-', 'default'],
    );
    assert.equal(Number(fields['duration']), base.duration);
    assert.match(fields['rest'] ?? '', /^ : \d+, /);
    assert.equal(text.split(' ')[THREAD_COLUMN - 1], `(${threadId})`);
    client.destroy();
  });
});
