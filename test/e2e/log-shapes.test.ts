/**
 * The situations of the talk, and the lines that they leave: a request in pieces, a response whose head and body lie 19 ms apart,
 * a connection of the pool that is new, reused, or opened for another. All lines go through the project's own grammar.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRawService } from '../support/lab-server.ts';
import type { RawExchange, RawService } from '../support/lab-server.ts';
import { bytesOf, LONG_FORMAT, marksOf, msBetween, parseLong, untilStat } from '../support/instrumented.ts';
import type { LongLine } from '../support/instrumented.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { get, pause, post, RawClient } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world\n';
const SPLIT_HEAD = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const SPLIT_BODY = `3e9\r\n${'x'.repeat(1001)}\r\n0\r\n\r\n`;
const RECEIVED = 'http.ingress.downstream_cx_rx_bytes_total';

for (const socketInterface of INTERFACES) {
  describe(`lines of the ${socketInterface} interface`, () => {
    const knowsKernel = socketInterface === 'syscall';
    let proxy: RunningProxy;
    let upstream: RawService;
    let answer: (exchange: RawExchange) => void;
    let lines = 0;

    before(async () => {
      upstream = await startRawService((exchange) => answer(exchange));
      const staticResources = httpProxyTo([upstream.port], { format: LONG_FORMAT });
      // One worker: the pool is one, and what a connection of it is used for is foreseeable.
      proxy = await startProxy({ staticResources, socketInterface, concurrency: 1 });
    });
    after(async () => {
      await proxy.stop();
      await upstream.stop();
    });

    async function nextLine(): Promise<LongLine> {
      lines += 1;
      const all = await proxy.logLines(lines);
      assert.equal(all.length, lines, 'one line a request');
      return parseLong(all[lines - 1] ?? '');
    }

    test('a GET has only a head; every byte of the wire is in the groups', async () => {
      let forwarded = 0;
      answer = ({ socket, head }) => {
        forwarded = head.length + 4;
        socket.write(HELLO);
      };
      const client = await RawClient.connect(proxy.port('http'));
      const request = get('/get');
      const { head, body } = await client.ask(request);
      const line = await nextLine();
      assert.deepEqual(line.reads.map(marksOf), ['H']);
      assert.equal(bytesOf(line.reads), request.length);
      assert.equal(bytesOf(line.upstreamWrites), forwarded);
      assert.deepEqual(line.upstreamReads.map(marksOf), ['H,D,E']);
      assert.equal(bytesOf(line.upstreamReads), HELLO.length);
      assert.equal(bytesOf(line.writes), head.length + 4 + body.length);
      assert.equal(line.upstreamWrites.at(-1)?.drained, true);
      assert.equal(line.writes.at(-1)?.drained, true);
      const [read] = line.reads;
      if (knowsKernel) assert.ok((read?.waited ?? -1) >= 0 && (read?.took ?? -1) >= 0, line.text);
      else assert.deepEqual([read?.waited, read?.took], [null, null], 'what is not known is not invented');
      assert.equal(line.base.downstreamRemoteAddress, `127.0.0.1:${client.port}`);
      client.destroy();
    });

    test('a small POST has head, body and end in one read', async () => {
      answer = ({ socket }) => socket.write(HELLO);
      const client = await RawClient.connect(proxy.port('http'));
      const request = post('/post', 'x'.repeat(1000));
      await client.ask(request);
      const line = await nextLine();
      assert.deepEqual(line.reads.map(marksOf), ['H,D,E']);
      assert.equal(bytesOf(line.reads), request.length);
      assert.equal(line.base.bytesReceived, 1000);
      client.destroy();
    });

    test('a request in pieces has a fragment for each, and their bytes are those of the wire', async () => {
      answer = ({ socket }) => socket.write(HELLO);
      const client = await RawClient.connect(proxy.port('http'));
      const received = await proxy.stat(RECEIVED);
      const request = post('/pieces', 'x'.repeat(5000));
      const cuts = [0, 9, 31, request.length - 4000, request.length - 1, request.length];
      for (let index = 1; index < cuts.length; index += 1) {
        client.write(request.slice(cuts[index - 1], cuts[index]));
        // Only what was read apart is a fragment of its own.
        if (index < cuts.length - 1) await untilStat(proxy, RECEIVED, received + (cuts[index] ?? 0));
      }
      await client.response();
      const line = await nextLine();
      const sizes = cuts.slice(1).map((cut, index) => cut - (cuts[index] ?? 0));
      assert.deepEqual(
        line.reads.map(({ bytes }) => bytes),
        sizes,
      );
      // The piece that holds the end of the head is the one that the head was found in.
      assert.deepEqual(line.reads.map(marksOf), ['', '', 'H,D', 'D', 'D,E']);
      const [first, , , , last] = line.reads;
      const spread = msBetween(first?.stampUs ?? 0, last?.stampUs ?? 0);
      const { requestDuration } = line.six;
      // Stamps and lengths are truncated each for itself, in ms.
      assert.ok(Math.abs((requestDuration ?? 0) - spread) <= 1, line.text);
      client.destroy();
    });

    test('a response whose head and body lie 19 ms apart shows where the time went', async () => {
      let [leastApart, mostApart] = [0, 0];
      const headArrived = Promise.withResolvers<void>();
      answer = ({ socket }) => {
        const beforeHead = performance.now();
        socket.write(SPLIT_HEAD);
        const afterHead = performance.now();
        void headArrived.promise.then(async () => {
          await pause(19);
          leastApart = performance.now() - afterHead;
          socket.write(SPLIT_BODY);
          mostApart = performance.now() - beforeHead;
        });
      };
      const client = await RawClient.connect(proxy.port('http'));
      client.write(post('/split?delay=19', 'x'.repeat(1000)));
      await client.until(/\r\n\r\n/);
      headArrived.resolve();
      await client.response();
      const line = await nextLine();
      assert.deepEqual(line.upstreamReads.map(marksOf), ['H', 'D,E']);
      assert.deepEqual(
        line.upstreamReads.map(({ bytes }) => bytes),
        [SPLIT_HEAD.length, SPLIT_BODY.length],
      );
      const [head, body] = line.upstreamReads;
      assert.ok(head !== undefined && body !== undefined);
      const apart = msBetween(head.stampUs, body.stampUs);
      // Apart in the kernel as they were sent, whatever else the machine did.
      if (knowsKernel) {
        const arrivedApart = apart - (body.waited ?? 0) + (head.waited ?? 0);
        // Of four stamps and times in whole ms.
        assert.ok(
          within(arrivedApart, leastApart - 3, mostApart + 3),
          `${leastApart}..${mostApart}: ${line.text}`,
        );
      }
      assert.ok(apart >= 15, line.text);
      const first = msBetween((Date.parse(line.base.startTime) % 3_600_000) * 1000, head.stampUs);
      const { responseDuration, responseTxDuration, duration } = line.six;
      assert.ok(within(first - (responseDuration ?? -9), 0, 1), `4th: ${line.text}`);
      assert.ok((responseTxDuration ?? 0) >= apart - 1, `5th: ${line.text}`);
      // The stream ends a moment behind its last write: time of the proxy itself.
      const own = ((line.ledger.get('deliver') ?? 0) + (line.ledger.get('proxy') ?? 0)) / 1000;
      const behind = (duration ?? 0) - (responseDuration ?? 0) - (responseTxDuration ?? 0);
      assert.ok(within(behind, -1, 1 + own), line.text);
      assert.ok((line.ledger.get('body') ?? 0) >= 15_000, line.text);
      client.destroy();
    });

    test('the first request on an upstream connection opened it, the next one reuses it', async () => {
      answer = ({ socket, head, number }) => {
        if (number === 1 && head.includes('/fresh')) socket.write(HELLO);
        else socket.write(HELLO.replace('OK\r\n', 'OK\r\nconnection: close\r\n'));
      };
      const client = await RawClient.connect(proxy.port('http'));
      await client.ask(get('/ends-the-connection'));
      await nextLine();
      await client.ask(get('/fresh'));
      const fresh = (await nextLine()).upstreamWrites[0];
      await client.ask(get('/reused'));
      const reused = (await nextLine()).upstreamWrites[0];
      assert.ok(fresh !== undefined && reused !== undefined);
      assert.notEqual(fresh.connectionId, 0);
      assert.equal(fresh.createdConnectionId, fresh.connectionId, 'Cn~Cn');
      assert.equal(reused.createdConnectionId, 0, 'C0~Cn');
      assert.equal(reused.connectionId, fresh.connectionId);
      client.destroy();
    });
  });
}

function within(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}
