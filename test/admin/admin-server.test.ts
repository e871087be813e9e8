import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AdminServer } from '../../src/admin/admin-server.ts';
import type { AdminServerOptions } from '../../src/admin/admin-server.ts';
import { FakeContext } from './fake-context.ts';

const LOOPBACK = { kind: 'ip', ip: '127.0.0.1', port: 0, family: 4 } as const;
const directory = mkdtempSync(join(tmpdir(), 'admin-'));
after(() => rmSync(directory, { recursive: true }));

async function withServer(
  options: Partial<AdminServerOptions>,
  use: (at: { port: number } & { server: AdminServer }, context: FakeContext) => Promise<void>,
): Promise<void> {
  const context = (options.context as FakeContext | undefined) ?? new FakeContext();
  const server = new AdminServer({ address: LOOPBACK, context, ...options });
  const bound = await server.listen();
  try {
    await use({ port: bound.kind === 'ip' ? bound.port : 0, server }, context);
  } finally {
    await server.close();
  }
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function ask(options: RequestOptions, body?: string): Promise<Answer> {
  const request = httpRequest({ agent: false, ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  let text = '';
  for await (const piece of response) text += String(piece);
  return { status: response.statusCode!, headers: response.headers, body: text };
}

/** Everything that a raw connection is told until it is closed. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('latin1');
  let text = '';
  socket.on('data', (piece: string) => (text += piece));
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}

test('a page comes with its type, its length and no leave to cache it', async () => {
  await withServer({}, async ({ port }) => {
    const { status, headers, body } = await ask({ port, path: '/ready' });
    assert.deepEqual([status, body], [200, 'LIVE\n']);
    assert.equal(headers['content-type'], 'text/plain; charset=UTF-8');
    assert.equal(headers['content-length'], '5');
    assert.equal(headers['cache-control'], 'no-cache, max-age=0');
    assert.equal(headers['x-content-type-options'], 'nosniff');
  });
});

test('HEAD has the head of GET and no body, for whole and for streamed pages', async () => {
  await withServer({}, async ({ port }) => {
    const whole = await ask({ port, path: '/ready', method: 'HEAD' });
    assert.deepEqual([whole.status, whole.headers['content-length'], whole.body], [200, '5', '']);
    const streamed = await ask({ port, path: '/stats', method: 'HEAD' });
    assert.deepEqual([streamed.status, streamed.body], [200, '']);
  });
});

test('any Host is served, and none', async () => {
  await withServer({}, async ({ port }) => {
    assert.equal((await ask({ port, path: '/ready', headers: { host: 'evil.example:1' } })).status, 200);
    const answer = await raw(port, 'GET /ready HTTP/1.1\r\nconnection: close\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  });
});

test('a POST with a form body reads its fields, and quit follows the answer', async () => {
  await withServer({}, async ({ port }, context) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const changed = await ask({ port, path: '/logging', method: 'POST', headers }, 'level=trace&paths=');
    assert.match(changed.body, /main: trace/);
    const quit = Promise.withResolvers<void>();
    context.quit = quit.resolve;
    assert.equal((await ask({ port, path: '/quitquitquit', method: 'POST' })).body, 'OK\n');
    await quit.promise;
  });
});

test('a form of another site in a browser is refused', async () => {
  await withServer({}, async ({ port }, context) => {
    const headers = { 'sec-fetch-site': 'cross-site' };
    assert.equal((await ask({ port, path: '/quitquitquit', method: 'POST', headers })).status, 403);
    assert.deepEqual(context.calls, []);
  });
});

test('a body beyond 64 KiB is answered 413 and the connection closed', async () => {
  await withServer({}, async ({ port }, context) => {
    const { status, headers } = await ask(
      { port, path: '/logging', method: 'POST' },
      `level=${'x'.repeat(70_000)}`,
    );
    assert.deepEqual([status, headers['connection']], [413, 'close']);
    assert.deepEqual(context.calls, []);
  });
});

test('a head beyond 16 KiB is answered 431', async () => {
  await withServer({}, async ({ port }) => {
    const answer = await raw(port, `GET /ready HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 431 /);
  });
});

test('connections beyond the limit are closed while the others are served', async () => {
  await withServer({}, async ({ port }) => {
    const held: Socket[] = [];
    for (let index = 0; index < 64; index += 1) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      held.push(socket);
    }
    assert.equal(await raw(port, 'GET /ready HTTP/1.1\r\nhost: x\r\n\r\n'), '');
    const [first] = held;
    first!.write('GET /ready HTTP/1.1\r\nhost: x\r\n\r\n');
    const [data] = (await once(first!, 'data')) as [Buffer];
    assert.match(data.toString(), /^HTTP\/1\.1 200/);
    for (const socket of held) socket.destroy();
  });
});

test('an endpoint that fails is answered 500, told to the owner, and the server goes on', async () => {
  const context = new FakeContext();
  const told: string[] = [];
  const onError = (error: unknown, target: string): void => void told.push(`${target}: ${String(error)}`);
  await withServer({ context, onError }, async ({ port }) => {
    context.failing = new Error('no answer');
    assert.equal((await ask({ port, path: '/clusters' })).status, 500);
    assert.deepEqual(told, ['/clusters: Error: no answer']);
    assert.equal((await ask({ port, path: '/ready' })).status, 200);
  });
});

test('a large page arrives whole at a reader that pauses', async () => {
  const context = new FakeContext();
  for (let index = 0; index < 30_000; index += 1) {
    context.worker.counter(`cluster.some-rather-long-name-${index}.upstream_rq_total`).add(index);
  }
  context.worker.announceNow();
  await withServer({ context }, async ({ port }) => {
    const request = httpRequest({ port, path: '/stats', agent: false });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.setEncoding('utf8');
    let lines = 0;
    for await (const piece of response) {
      // The loop reads a piece only when it asks for the next one.
      lines += String(piece).split('\n').length - 1;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    assert.equal(lines, 30_001);
  });
});

test('a reader that leaves in the middle of a page does no harm', async () => {
  const context = new FakeContext();
  for (let index = 0; index < 30_000; index += 1) context.worker.counter(`cluster.name-${index}.x`).inc();
  context.worker.announceNow();
  const told: unknown[] = [];
  await withServer({ context, onError: (error) => told.push(error) }, async ({ port }) => {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /stats/prometheus HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(socket, 'data');
    socket.resetAndDestroy();
    assert.equal((await ask({ port, path: '/ready' })).status, 200);
    assert.deepEqual(told, []);
  });
});

test('the server listens on its own address alone', async () => {
  const address = { kind: 'ip', ip: '127.0.0.2', port: 0, family: 4 } as const;
  const server = new AdminServer({ address, context: new FakeContext() });
  const bound = await server.listen();
  assert.ok(bound.kind === 'ip' && bound.port > 0);
  const elsewhere = connect(bound.port, '127.0.0.1');
  await assert.rejects(once(elsewhere, 'connect'), { code: 'ECONNREFUSED' });
  assert.deepEqual(server.address, bound);
  await server.close();
});

test('a taken address is an error for the caller', async () => {
  await withServer({}, async ({ port }) => {
    const second = new AdminServer({ address: { ...LOOPBACK, port }, context: new FakeContext() });
    await assert.rejects(second.listen(), { code: 'EADDRINUSE' });
    await second.close();
  });
});

test('a pipe is served with its mode, removed at the end, and a stale one replaced', async () => {
  const path = join(directory, 'admin.sock');
  const stale = createServer().listen(path);
  await once(stale, 'listening');
  const pipe = { kind: 'pipe', path } as const;
  await assert.rejects(new AdminServer({ address: pipe, context: new FakeContext() }).listen(), {
    code: 'EADDRINUSE',
  });
  stale.close();
  await once(stale, 'close');
  await withServer({ address: pipe, mode: 0o600 }, async () => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal((await ask({ socketPath: path, path: '/ready' })).body, 'LIVE\n');
  });
  assert.equal(existsSync(path), false);
});

test('a plain file in the place of the pipe is not removed', async () => {
  const path = join(directory, 'file');
  writeFileSync(path, 'precious');
  const server = new AdminServer({ address: { kind: 'pipe', path }, context: new FakeContext() });
  await assert.rejects(server.listen());
  assert.equal(statSync(path).size, 8);
});

test('close lets an answer under way end', async () => {
  const context = new FakeContext();
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  context.reopenLogs = async () => {
    started.resolve();
    await gate.promise;
  };
  const server = new AdminServer({ address: LOOPBACK, context });
  const bound = await server.listen();
  assert.ok(bound.kind === 'ip');
  const answer = ask({ port: bound.port, path: '/reopen_logs', method: 'POST' });
  await started.promise;
  const closed = server.close(10_000);
  gate.resolve();
  assert.equal((await answer).body, 'OK\n');
  await closed;
});
