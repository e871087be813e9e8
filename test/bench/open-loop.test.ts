/** The open loop: its timetable, its accounts of what failed, and its reading of answers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, test } from 'node:test';
import { AnswerReader } from '../../bench/harness/open-loop-answer.ts';
import type { AnswerState } from '../../bench/harness/open-loop-answer.ts';
import { FAILED, OpenLoopClient, percentilesOf, requestId, together } from '../../bench/harness/open-loop.ts';
import type { OpenLoopLoad } from '../../bench/harness/open-loop.ts';
import { afterMs } from '../../src/base/clock.ts';

const PREFIX = 'abcdef0123456789abcdef01';
const client = new OpenLoopClient('test client', []);
after(() => client.stop());

function loadTo(port: number, changes: Partial<OpenLoopLoad> = {}): OpenLoopLoad {
  return {
    address: '127.0.0.1',
    port,
    host: 'service',
    path: '/',
    connections: 4,
    rate: 200,
    seconds: 0.5,
    keepAlive: true,
    phase: 0,
    idPrefix: PREFIX,
    timeoutMs: 5000,
    ...changes,
  };
}

async function serving(listener: RequestListener, run: (port: number) => Promise<void>): Promise<void> {
  const server = createServer({ keepAliveTimeout: 0 }, listener);
  await running(server, run);
  server.closeAllConnections();
}

async function running(server: Server, run: (port: number) => Promise<void>): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await run((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

test('every place of the timetable sends one request with an id of its own', async () => {
  const ids: unknown[] = [];
  await serving(
    (request, response) => {
      ids.push(request.headers['x-request-id']);
      response.end('ok');
    },
    async (port) => {
      const report = await client.run(loadTo(port));
      assert.equal(report.requests, 100);
      assert.deepEqual(report.failures, { status: 0, connection: 0, timeouts: 0 });
      assert.ok(report.seconds >= 0.5);
      assert.ok(report.achievedRate <= 200, 'no faster than the timetable');
      assert.ok(report.cpuSeconds > 0);
    },
  );
  const expected = Array.from({ length: 100 }, (_, number) => requestId(PREFIX, number));
  assert.deepEqual(new Set(ids), new Set(expected));
});

test('a stall of the server is charged to every request that was due meanwhile', async () => {
  const stallMs = 300;
  let served = 0;
  await serving(
    (_request, response) => {
      served += 1;
      if (served === 20) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs);
      response.end('ok');
    },
    async (port) => {
      const report = await client.run(loadTo(port, { connections: 1, seconds: 1 }));
      // A closed loop would see one slow request; by the timetable 60 were due, and half of them waited for half of it.
      const late = report.latencies.filter((each) => each > (stallMs / 2) * 1000).length;
      assert.ok(late >= 25, `${late} requests are late by half of the stall`);
      assert.equal(report.requests, 200);
      const { p50, max } = percentilesOf([report.latencies]);
      assert.ok(max >= stallMs * 1000 - 1000 && p50 <= max);
      assert.ok(percentilesOf([report.lags]).max > (stallMs / 2) * 1000, 'the only connection was taken');
    },
  );
});

test('without keep-alive each request has a connection of its own', async () => {
  const sockets = new Set<Socket>();
  const headers: unknown[] = [];
  await serving(
    (request, response) => {
      sockets.add(request.socket);
      headers.push(request.headers.connection);
      response.end('ok');
    },
    async (port) => {
      const report = await client.run(loadTo(port, { keepAlive: false }));
      assert.deepEqual(together([report]).failed, 0);
      assert.equal(sockets.size, report.requests);
      assert.deepEqual(new Set(headers), new Set(['close']));
    },
  );
});

test('answers with other statuses, ended connections and silence are told apart', async () => {
  let served = 0;
  await serving(
    (request, response) => {
      served += 1;
      if (served % 4 === 1) response.writeHead(500).end('no');
      else if (served % 4 === 2) request.socket.destroy();
      else if (served % 4 === 3) response.end('ok');
      // Every fourth is never answered.
    },
    async (port) => {
      const load = loadTo(port, { rate: 40, seconds: 0.5, connections: 20, timeoutMs: 400 });
      const report = await client.run(load);
      assert.deepEqual(report.failures, { status: 5, connection: 5, timeouts: 5 });
      assert.equal(report.latencies.filter((each) => each === FAILED).length, 15);
      assert.equal(together([report]).failed, 15);
    },
  );
});

test('requests that find no connection free time out by the timetable, not by their sending', async () => {
  const server = createTcpServer((socket) => socket.on('error', () => undefined).resume());
  await running(server, async (port) => {
    const report = await client.run(loadTo(port, { connections: 1, rate: 50, seconds: 0.4, timeoutMs: 300 }));
    assert.equal(report.failures.timeouts, 20);
    assert.throws(() => percentilesOf([report.latencies]), /no request was answered/);
  });
});

test('a server that closes after each answer is connected to again', async () => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () =>
      socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'),
    );
  });
  await running(server, async (port) => {
    const report = await client.run(loadTo(port, { rate: 100, seconds: 0.3 }));
    assert.deepEqual(report.failures, { status: 0, connection: 0, timeouts: 0 });
  });
});

test('bytes that nobody asked for end the connection instead of answering the next request', async () => {
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => {
      socket.write(answer);
      afterMs(5, () => socket.write(answer));
    });
  });
  await running(server, async (port) => {
    const report = await client.run(loadTo(port, { connections: 1, rate: 20, seconds: 0.5 }));
    assert.equal(report.failures.timeouts, 0);
    assert.ok(percentilesOf([report.latencies]).p50 > 0);
  });
});

test('a load to where nobody listens is refused with its address, and the client lives on', async () => {
  const server = createTcpServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  const other = new OpenLoopClient('refused client', []);
  try {
    await assert.rejects(other.go(), /refused client: there is no load to start/);
    const signal = AbortSignal.timeout(300);
    await assert.rejects(other.prepare(loadTo(port), signal), /timeout/i);
  } finally {
    await other.stop();
  }
});

test('a client ends with its input', async () => {
  const other = new OpenLoopClient('short client', []);
  const { pid } = other;
  await assert.rejects(other.go(), /no load/);
  await other.stop();
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

test('a request id has the shape of a UUID and its number at the end', () => {
  assert.equal(requestId(PREFIX, 255), 'abcdef01-2345-6789-abcd-ef01000000ff');
});

function readAll(pieces: readonly string[]): AnswerState {
  const reader = new AnswerReader();
  let state: AnswerState = { kind: 'more' };
  for (const piece of pieces) state = reader.push(piece);
  return state;
}

const DONE = { kind: 'done', status: 200, reusable: true };

test('an answer is read the same however its bytes are cut', () => {
  const answers = [
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nx: y\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200\r\nCONTENT-LENGTH:3\r\n\r\nabc',
  ];
  for (const answer of answers) {
    assert.deepEqual(readAll([answer]), DONE);
    assert.deepEqual(readAll(answer.split('')), DONE, answer);
    for (let cut = 1; cut < answer.length; cut += 1)
      assert.deepEqual(readAll([answer.slice(0, cut), answer.slice(cut)]), DONE, `cut at ${cut}: ${answer}`);
  }
});

test('a connection that will be closed is not used again', () => {
  const closing = { ...DONE, reusable: false };
  const length = 'content-length: 0\r\n\r\n';
  assert.deepEqual(readAll([`HTTP/1.1 200 OK\r\nconnection: x, Close\r\n${length}`]), closing);
  assert.deepEqual(readAll([`HTTP/1.0 200 OK\r\n${length}`]), closing);
  const reader = new AnswerReader();
  assert.equal(reader.push('HTTP/1.1 200 OK\r\n\r\nuntil the end').kind, 'more');
  assert.deepEqual(reader.end(), closing);
});

test('what is no answer is bad', () => {
  const bad = [
    'SSH-2.0-x\r\n\r\n',
    'HTTP/1.1 abc\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-5\r\n',
    `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`,
  ];
  for (const answer of bad) assert.equal(readAll([answer]).kind, 'bad', answer.slice(0, 60));
  const cut = new AnswerReader();
  cut.push('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel');
  assert.equal(cut.end().kind, 'bad');
});

test('several clients are made ready first and add up', async () => {
  const other = new OpenLoopClient('second client', []);
  const ids = new Set<unknown>();
  try {
    await serving(
      (request, response) => {
        ids.add(request.headers['x-request-id']);
        response.end('ok');
      },
      async (port) => {
        const load = loadTo(port, { rate: 20, seconds: 0.5 });
        const second = { ...load, phase: 0.5, idPrefix: PREFIX.replace('a', 'b') };
        await Promise.all([client.prepare(load), other.prepare(second)]);
        assert.equal(ids.size, 0);
        const reports = await Promise.all([client.go(), other.go()]);
        assert.equal(together(reports).requests, 20);
        assert.equal(together(reports).failed, 0);
      },
    );
  } finally {
    await other.stop();
  }
  assert.equal(ids.size, 20);
});
