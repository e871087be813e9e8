import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ConnectionCallbacks, ConnectionEvent, ReadFilter } from '../../src/api/network.ts';
import type { IoObserver } from '../../src/api/observe.ts';
import type { ByteQueue } from '../../src/api/bytes.ts';
import { bytesOf } from '../../src/buffer/bytes.ts';
import type { StreamConnection } from '../../src/network/stream-connection.ts';
import { DEAD_PORT } from '../support/tcp-upstream.ts';
import { INTERFACES, LOOPBACK, listen, portOf, threadOf } from '../support/thread.ts';

/** A terminal filter made of one function. */
function reader(onData: (data: ByteQueue, endStream: boolean) => void): ReadFilter {
  return {
    initializeReadFilterCallbacks: () => undefined,
    onNewConnection: () => 'continue',
    onData: (data, endStream) => {
      onData(data, endStream);
      return 'stop';
    },
  };
}

function echo(connection: StreamConnection): void {
  connection.enableHalfClose(true);
  connection.addReadFilter(
    reader((data, endStream) => {
      while (data.count > 0) {
        const view = data.at(0);
        connection.write(view, false);
        data.drain(view.end - view.start);
      }
      if (endStream) connection.endWrite();
    }),
  );
  connection.addCallbacks(
    watch({ high: () => connection.readDisable(true), low: () => connection.readDisable(false) }),
  );
}

function watch(on: {
  event?: (event: ConnectionEvent) => void;
  high?: () => void;
  low?: () => void;
}): ConnectionCallbacks {
  return {
    onEvent: (event) => on.event?.(event),
    onAboveWriteBufferHighWatermark: () => on.high?.(),
    onBelowWriteBufferLowWatermark: () => on.low?.(),
  };
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

for (const kind of INTERFACES) {
  describe(`a connection on the ${kind} interface`, () => {
    test('echoes 8 MiB byte-exactly to a peer that reads only after it has written everything it can', async () => {
      const server = await listen(kind, echo, LOOPBACK, 64 * 1024);
      const data = randomBytes(8 * 1024 * 1024);
      const client = connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true });
      client.end(data);
      assert.equal(digest(await readAll(client)), digest(data));
      server.close();
    });

    test('keeps answering after the peer has half-closed, and ends when both sides have', async () => {
      const events: ConnectionEvent[] = [];
      let connection: StreamConnection | undefined;
      const server = await listen(kind, (accepted) => {
        connection = accepted;
        accepted.enableHalfClose(true);
        accepted.addCallbacks(watch({ event: (event) => events.push(event) }));
        accepted.addReadFilter(
          reader((data, endStream) => {
            data.drain(data.length);
            if (endStream) accepted.write(bytesOf('late answer'), true);
          }),
        );
      });
      const client = connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true });
      client.end('question');
      assert.equal(String(await readAll(client)), 'late answer');
      assert.deepEqual(events, ['remote-close']);
      assert.equal(connection?.state, 'closed');
      server.close();
    });

    test('without half-close the peer’s FIN closes the connection', async () => {
      const closed = Promise.withResolvers<ConnectionEvent>();
      const server = await listen(kind, (accepted) =>
        accepted.addCallbacks(watch({ event: closed.resolve })),
      );
      connect({ port: portOf(server), host: '127.0.0.1' }).end();
      assert.equal(await closed.promise, 'remote-close');
      server.close();
    });

    test('a reset by the peer is told once, with its reason', async () => {
      const events: ConnectionEvent[] = [];
      const closed = Promise.withResolvers<StreamConnection>();
      const server = await listen(kind, (accepted) => {
        accepted.addReadFilter(reader((data) => data.drain(data.length)));
        accepted.addCallbacks(
          watch({
            event: (event) => {
              events.push(event);
              closed.resolve(accepted);
            },
          }),
        );
      });
      const client = connect({ port: portOf(server), host: '127.0.0.1' });
      await once(client, 'connect');
      client.resetAndDestroy();
      assert.equal((await closed.promise).closeReason, 'ECONNRESET');
      assert.deepEqual(events, ['remote-close']);
      server.close();
    });

    test('watermarks fire once per crossing and reads paused by a counter resume at zero', async () => {
      const edges: string[] = [];
      const server = await listen(
        kind,
        (accepted) => {
          accepted.addCallbacks(watch({ high: () => edges.push('high'), low: () => edges.push('low') }));
          accepted.addReadFilter(
            reader((data) => {
              data.drain(data.length);
              for (let part = 0; part < 64; part += 1)
                accepted.write(bytesOf(Buffer.alloc(256 * 1024, part)), part === 63);
            }),
          );
        },
        LOOPBACK,
        1024 * 1024,
      );
      const client = connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true });
      client.write('go');
      const data = await readAll(client);
      assert.equal(data.length, 64 * 256 * 1024);
      for (let part = 0; part < 64; part += 1) assert.equal(data[part * 256 * 1024], part);
      assert.deepEqual(edges, ['high', 'low']);
      client.destroy();
      server.close();
    });

    test('a connect that is refused is an event with the name of the error, never a throw', async () => {
      const closed = Promise.withResolvers<ConnectionEvent>();
      const connection = threadOf(kind).connections.connect({
        to: { kind: 'ip', ip: '127.0.0.1', port: DEAD_PORT, family: 4 },
        bufferLimitBytes: 0,
      });
      connection.addCallbacks(watch({ event: closed.resolve }));
      assert.equal(await closed.promise, 'remote-close');
      assert.equal(connection.closeReason, 'ECONNREFUSED');
    });

    test('an upstream connection sends what was written before it was up', async () => {
      const server = await listen(kind, echo);
      const connection = threadOf(kind).connections.connect({ to: server.address, bufferLimitBytes: 0 });
      const answer = Promise.withResolvers<string>();
      connection.addReadFilter(
        reader((data) =>
          answer.resolve(data.at(0).block.buffer.toString('latin1', data.at(0).start, data.at(0).end)),
        ),
      );
      connection.writeText('early bird');
      assert.equal(await answer.promise, 'early bird');
      assert.ok(connection.connectedAt >= connection.createdAt);
      connection.close('abort');
      server.close();
    });

    test('bytes that a filter leaves are shown again with the next ones, also after a pause', async () => {
      const seen: string[] = [];
      const done = Promise.withResolvers<void>();
      const server = await listen(kind, (accepted) => {
        accepted.addReadFilter(
          reader((data) => {
            const text: string[] = [];
            for (let at = 0; at < data.count; at += 1) {
              const view = data.at(at);
              text.push(view.block.buffer.toString('latin1', view.start, view.end));
            }
            seen.push(text.join(''));
            if (seen.length === 1) {
              accepted.readDisable(true, 'codec');
              accepted.dispatcher.createTimer(() => accepted.readDisable(false, 'codec')).enable(5);
            } else if (text.join('') === 'onetwo') {
              data.drain(data.length);
              done.resolve();
            }
          }),
        );
      });
      const client = connect({ port: portOf(server), host: '127.0.0.1' });
      client.write('one');
      client.setNoDelay(true);
      await once(client, 'connect');
      setImmediate(() => client.write('two'));
      await done.promise;
      assert.equal(seen[0]?.startsWith('one'), true);
      client.destroy();
      server.close();
    });

    test('a delayed close sends everything, then FIN, and waits for the peer to close', async () => {
      const events: string[] = [];
      const closed = Promise.withResolvers<void>();
      const server = await listen(kind, (accepted) => {
        accepted.addCallbacks(
          watch({
            event: (event) => {
              events.push(`${event} ${accepted.closeReason}`);
              closed.resolve();
            },
          }),
        );
        accepted.write(bytesOf(Buffer.alloc(3_000_000, 7)), false);
        accepted.close('flush-delayed', 'done');
        assert.equal(accepted.state, 'closing');
      });
      const client = connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true });
      client.write('never read by anyone');
      assert.equal((await readAll(client)).length, 3_000_000);
      client.end();
      await closed.promise;
      assert.deepEqual(events, ['remote-close done']);
      server.close();
    });

    test('write observers learn which bytes were theirs and when the last of them had gone', async () => {
      const told: string[] = [];
      const flushed = Promise.withResolvers<void>();
      const observer = (name: string): IoObserver => ({
        onWrite: (_at, _took, bytes, _blocked, drained) => told.push(`${name} ${bytes} ${drained}`),
        onFlushed: () => {
          told.push(`${name} flushed`);
          if (name === 'b') flushed.resolve();
        },
      });
      const server = await listen(kind, (accepted) => {
        for (const [name, size] of [
          ['a', 10],
          ['b', 20],
        ] as const) {
          const one = observer(name);
          accepted.observeWrites(one);
          accepted.write(bytesOf(Buffer.alloc(size)), false);
          accepted.endObserveWrites(one);
        }
      });
      const client = connect({ port: portOf(server), host: '127.0.0.1' });
      await flushed.promise;
      assert.deepEqual(told, ['a 10 true', 'b 20 true', 'a flushed', 'b flushed']);
      client.destroy();
      server.close();
    });

    test('serves IPv6 and unix sockets, with their addresses', async () => {
      const path = join(tmpdir(), `nodeproxy-${process.pid}-${kind}.sock`);
      for (const address of [
        { kind: 'ip', ip: '::1', port: 0, family: 6 },
        { kind: 'pipe', path },
      ] as const) {
        const server = await listen(kind, echo, address);
        const client =
          server.address.kind === 'ip' ? connect({ port: server.address.port, host: '::1' }) : connect(path);
        client.end('hello');
        assert.equal(String(await readAll(client)), 'hello');
        if (address.kind === 'ip') assert.equal(server.address.kind === 'ip' && server.address.ip, '::1');
        server.close();
      }
    });
  });
}
