/** autocannon in a process of its own: once, or again and again. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { AutocannonClient, runAutocannon } from '../../bench/harness/autocannon.ts';

async function serving(listener: RequestListener, run: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test('a client that stays alive runs load after load, each with figures of its own', async () => {
  const client = new AutocannonClient('test client', []);
  const sources = new Set<string | undefined>();
  try {
    await serving(
      (request, response) => {
        sources.add(request.socket.remoteAddress);
        response.end('ok');
      },
      async (url) => {
        const load = { url, connections: 2, seconds: 0.3 };
        const first = await client.run({ ...load, from: '127.0.0.77' });
        assert.deepEqual(sources, new Set(['127.0.0.77']));
        const second = await client.run({ ...load, headers: { host: 'elsewhere' } });
        assert.deepEqual(sources, new Set(['127.0.0.77', '127.0.0.1']), 'the source is that of one load');
        for (const report of [first, second]) {
          assert.equal(report.failures, 0);
          assert.ok(report.requests > 0 && report.cpuSeconds > 0);
          assert.ok(report.latency.p50 > 0 && report.latency.p50 <= report.latency.p999);
        }
      },
    );
  } finally {
    await client.stop();
  }
});

test('a single run says what failed', async () => {
  await serving(
    (_request, response) => response.writeHead(503).end('no'),
    async (url) => {
      const report = await runAutocannon({ url, connections: 1, seconds: 0.3 }, []);
      assert.ok(report.requests > 0);
      assert.equal(report.failures, report.requests);
    },
  );
});

test('a connection for each request is counted like any other', async () => {
  const sockets = new Set<unknown>();
  let answered = 0;
  await serving(
    (request, response) => {
      sockets.add(request.socket);
      answered += 1;
      response.end('ok');
    },
    async (url) => {
      const report = await runAutocannon({ url, connections: 2, seconds: 0.4, reconnectRate: 1 }, []);
      assert.equal(report.failures, 0);
      assert.ok(report.requests > 10 && report.latency.p50 > 0);
      assert.ok(Math.abs(answered - report.requests) <= 2, `${report.requests} of ${answered}`);
      assert.equal(sockets.size, answered);
    },
  );
});

test('one question at a time, and none to a client that has ended', async () => {
  const client = new AutocannonClient('busy client', []);
  await serving(
    (_request, response) => response.end('ok'),
    async (url) => {
      const load = { url, connections: 1, seconds: 0.3 };
      const first = client.run(load);
      await assert.rejects(client.run(load), /busy client is asked twice/);
      assert.ok((await first).requests > 0);
      await client.stop();
      await assert.rejects(client.run(load), /busy client has ended/);
    },
  );
});
