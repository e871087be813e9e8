/**
 * Lines of requests that something held up: a filter that computes or waits, flow control, a pool whose connection came free first;
 * and the threads that the lines name. One worker where the order of events matters.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { startRawService } from '../support/lab-server.ts';
import type { RawExchange, RawService } from '../support/lab-server.ts';
import { javascriptFilter, LONG_FORMAT, marksOf, parseLong, untilStat } from '../support/instrumented.ts';
import type { LongLine } from '../support/instrumented.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { HttpOptions, RunningProxy } from '../support/proxy.ts';
import { get, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';
const DELAY_FILTER = javascriptFilter('delay', moduleOf('../../config/filters/delay.js'));
const BLOCK_FILTER = javascriptFilter('block', moduleOf('../support/filters/block.js'));
/** Enough for the kernel's buffers of both connections, and then some. */
const MANY_BYTES = 64 * 1024 * 1024;
const WAIT_MS = 60;
/** A timer counts from the beginning of the loop's turn: the filter waits shorter by what had passed of it. And rounding. */
const TURN_MS = 20;
const SMALL_BUFFERS = 32 * 1024;

let upstream: RawService;
let answer: (exchange: RawExchange) => void;
const answerHello = ({ socket }: RawExchange): void => void socket.write(HELLO);

before(async () => {
  upstream = await startRawService((exchange) => answer(exchange));
});
after(() => upstream.stop());

async function withProxy(
  options: HttpOptions & { readonly concurrency?: number; readonly socketInterface?: 'syscall' | 'portable' },
  use: (proxy: RunningProxy) => Promise<void>,
): Promise<void> {
  const { concurrency = 1, socketInterface, ...more } = options;
  const proxy = await startProxy({
    staticResources: httpProxyTo([upstream.port], { format: LONG_FORMAT, ...more }),
    concurrency,
    ...(socketInterface === undefined ? {} : { socketInterface }),
  });
  try {
    await use(proxy);
  } finally {
    await proxy.stop();
  }
}

function moduleOf(path: string): string {
  return new URL(path, import.meta.url).pathname;
}

async function linesOf(proxy: RunningProxy, count: number): Promise<LongLine[]> {
  return (await proxy.logLines(count)).map(parseLong);
}

describe('a slow filter', () => {
  test('is the fourth number less the second and the sixth, and the ledger says which and how', async () => {
    answer = answerHello;
    await withProxy({ filters: [DELAY_FILTER] }, async (proxy) => {
      const client = await RawClient.connect(proxy.port('http'));
      await client.ask(get('/warm'));
      await client.ask(get('/busy', [`x-delay: busy:${WAIT_MS}`]));
      await client.ask(get('/waiting', [`x-delay: ${WAIT_MS}`]));
      const [, busy, waiting] = await linesOf(proxy, 3);
      assert.ok(busy !== undefined && waiting !== undefined);
      for (const { six, text } of [busy, waiting]) {
        const { responseDuration, requestDuration, upstreamServiceTime } = six;
        const inFilters = (responseDuration ?? 0) - (requestDuration ?? 0) - (upstreamServiceTime ?? 0);
        assert.ok(inFilters >= WAIT_MS - TURN_MS, text);
      }
      const times = ({ ledger }: LongLine) =>
        ['filter.delay', 'paused.delay'].map((name) => (ledger.get(name) ?? 0) / 1000);
      // What follows the computing waits for the processor like everything else: that part has no bound.
      const [computed = 0] = times(busy);
      assert.ok(computed >= WAIT_MS - 1, busy.text);
      const [used = 0, waited = 0] = times(waiting);
      assert.ok(waited >= WAIT_MS - TURN_MS && used < waited, waiting.text);
      client.destroy();
    });
  });

  test('that computes makes its neighbour on the thread wait, whose line says loop', async (t) => {
    if (!INTERFACES.includes('syscall')) return t.skip('the kernel does not tell how long bytes waited');
    const held = Promise.withResolvers<RawExchange>();
    answer = (exchange) => {
      if (exchange.head.includes('/neighbour')) held.resolve(exchange);
      else answerHello(exchange);
    };
    await withProxy({ filters: [DELAY_FILTER], socketInterface: 'syscall' }, async (proxy) => {
      const slow = await RawClient.connect(proxy.port('http'));
      const neighbour = await RawClient.connect(proxy.port('http'));
      neighbour.write(get('/neighbour'));
      const { socket } = await held.promise;
      slow.write(get('/busy', ['x-delay: busy:300']));
      socket.write(HELLO);
      await Promise.all([slow.response(), neighbour.response()]);
      const line = (await linesOf(proxy, 2)).find(({ base }) => base.path === '/neighbour');
      assert.ok((line?.ledger.get('loop') ?? 0) >= 150_000, line?.text ?? '');
      assert.ok((line?.upstreamReads[0]?.waited ?? 0) >= 150, line?.text ?? '');
      slow.destroy();
      neighbour.destroy();
    });
  });
});

test('a request whose own connection came later than a free one prints both: created, not used', async (t) => {
  if (!INTERFACES.includes('syscall'))
    return t.skip('the order of events is the order of the kernel only there');
  const held = Promise.withResolvers<RawExchange>();
  answer = (exchange) => {
    if (exchange.head.includes('/held')) held.resolve(exchange);
    else answerHello(exchange);
  };
  await withProxy({ filters: [BLOCK_FILTER], socketInterface: 'syscall' }, async (proxy) => {
    const [first, blocker, second] = await Promise.all(
      [1, 2, 3].map(() => RawClient.connect(proxy.port('http'))),
    );
    assert.ok(first !== undefined && blocker !== undefined && second !== undefined);
    await untilStat(proxy, 'http.ingress.downstream_cx_active', 3);
    first.write(get('/held'));
    const { socket } = await held.promise;
    // While the worker stands still, requests that find no free connection, and then the answer that frees the first one's.
    blocker.write(get('/blocker', ['x-block: 400']));
    second.write(get('/second'));
    socket.write(HELLO);
    await Promise.all([first.response(), blocker.response(), second.response()]);
    const lines = await linesOf(proxy, 3);
    const writeOf = (path: string) => lines.find(({ base }) => base.path === path)?.upstreamWrites[0];
    const carried = writeOf('/held')?.connectionId;
    // The one that asked first gets it; its own connection goes to the next.
    const apart = writeOf('/blocker');
    const text = lines.map((line) => line.text).join('\n');
    assert.equal(apart?.connectionId, carried, text);
    assert.notEqual(apart?.createdConnectionId, apart?.connectionId, text);
    assert.notEqual(apart?.createdConnectionId, 0, text);
    for (const client of [first, blocker, second]) client.destroy();
  });
});

for (const socketInterface of INTERFACES) {
  test(`flow control switches reads off and on again, and the line says when (${socketInterface})`, async () => {
    answer = ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${MANY_BYTES}\r\n\r\n`);
      socket.write(Buffer.alloc(MANY_BYTES, 'x'));
    };
    const limit = { per_connection_buffer_limit_bytes: SMALL_BUFFERS };
    const format = '%BYTES_SENT% "%UPSTREAM_READ_DURATION%" %DURATION(us)% %LEDGER%';
    await withProxy({ listener: limit, cluster: limit, format, socketInterface }, async (proxy) => {
      const client = await RawClient.connect(proxy.port('http'));
      client.socket.pause();
      client.write(get('/many'));
      await untilStat(proxy, 'cluster.upstream.upstream_flow_control_paused_reading_total', 1);
      let bytes = 0;
      const { promise: received, resolve } = Promise.withResolvers<void>();
      client.socket.removeAllListeners('data').on('data', (text: string) => {
        bytes += text.length;
        if (bytes > MANY_BYTES) resolve();
      });
      client.socket.resume();
      await received;
      const [text = ''] = await proxy.logLines(1);
      assert.match(text, new RegExp(`^${MANY_BYTES} "`));
      assert.match(text, /D!1-/, 'switched off at this mark');
      assert.match(text, /\]D\+\d+<\d\d:\d\d\.\d{3}>/, 'on again, after so many ms, then');
      const ledger = parseLedgerOf(text);
      assert.ok((ledger.get('flow.downstream') ?? 0) > 0, text);
      client.destroy();
    });
  });
}

test('a small message over low limits: paused by its own body, as in the talk', async () => {
  answer = answerHello;
  const limit = { per_connection_buffer_limit_bytes: 4096 };
  await withProxy({ listener: limit, cluster: limit }, async (proxy) => {
    const client = await RawClient.connect(proxy.port('http'));
    const body = 'x'.repeat(10_000);
    await client.ask(`POST / HTTP/1.1\r\nhost: test\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    const [line] = await linesOf(proxy, 1);
    const marks = line?.reads.map(marksOf).join('-') ?? '';
    assert.match(marks, /!.*\+/, line?.text ?? '');
    assert.ok((line?.ledger.get('flow.upstream') ?? 0) > 0, line?.text ?? '');
    client.destroy();
  });
});

test('two workers: both thread ids appear, and each is a thread of the process', async () => {
  answer = answerHello;
  await withProxy({ concurrency: 2 }, async (proxy) => {
    const clients = 64;
    for (let count = 0; count < clients; count += 1) {
      const client = await RawClient.connect(proxy.port('http'));
      await client.ask(get('/'));
      client.destroy();
    }
    const used = new Set((await linesOf(proxy, clients)).map(({ threadId }) => threadId));
    const threads = new Set(readdirSync(`/proc/${proxy.pid}/task`).map(Number));
    // The kernel hashes by port: that all of 64 fall on one of two has a chance of 2 to the power of -63.
    assert.equal(used.size, 2);
    for (const tid of used) assert.ok(threads.has(tid) && tid !== proxy.pid, `${tid}`);
  });
});

function parseLedgerOf(text: string): ReadonlyMap<string, number> {
  const [total = '', ledger = ''] = text.split(' ').slice(-2);
  const entries = ledger.split(',').map((entry) => entry.split('='));
  const sums = new Map(entries.map(([name = '', us]) => [name, Number(us)]));
  assert.equal(
    [...sums.values()].reduce((sum, us) => sum + us, 0),
    Number(total),
  );
  return sums;
}
