/** A peer that ends or resets while reads are off: told at once, and no byte is lost that still has a reader. System calls only. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { ConnectionEvent } from '../../src/api/network.ts';
import type { StreamConnection } from '../../src/network/stream-connection.ts';
import { INTERFACES, listen, portOf, threadOf } from '../support/thread.ts';

/** More than the first read takes. */
const MUCH = 600 * 1024;

interface Watched {
  readonly connection: StreamConnection;
  /** The event and the reason of the close. */
  readonly closed: Promise<string>;
  received(): number;
  /** Called with every read. */
  onData: () => void;
  ended: boolean;
}

function watch(connection: StreamConnection): Watched {
  let received = 0;
  const { promise, resolve } = Promise.withResolvers<string>();
  const watched: Watched = {
    connection,
    closed: promise,
    received: () => received,
    onData: () => undefined,
    ended: false,
  };
  connection.addReadFilter({
    initializeReadFilterCallbacks: () => undefined,
    onNewConnection: () => 'continue',
    onData: (data, endStream) => {
      received += data.length;
      data.drain(data.length);
      watched.ended ||= endStream;
      watched.onData();
      return 'stop';
    },
  });
  connection.addCallbacks({
    onEvent: (event: ConnectionEvent) => {
      if (event !== 'connected') resolve(`${event} ${connection.closeReason}`);
    },
    onAboveWriteBufferHighWatermark: () => undefined,
    onBelowWriteBufferLowWatermark: () => undefined,
  });
  return watched;
}

/** A downstream connection as soon as it is accepted, and its client. */
async function downstream(set: (watched: Watched) => void): Promise<[Watched, Socket]> {
  const accepted = Promise.withResolvers<Watched>();
  const server = await listen('syscall', (connection) => {
    const watched = watch(connection);
    set(watched);
    accepted.resolve(watched);
  });
  const client = connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => undefined);
  const watched = await accepted.promise;
  server.close();
  return [watched, client];
}

/** An upstream connection, and its server's end. */
async function upstream(): Promise<[Watched, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const watched = watch(
    threadOf('syscall').connections.connect({
      to: { kind: 'ip', ip: '127.0.0.1', port, family: 4 },
      bufferLimitBytes: 0,
    }),
  );
  const [peer] = (await once(server, 'connection')) as [Socket];
  server.close();
  while (watched.connection.state !== 'open') await turns(1);
  return [watched, peer];
}

async function written(socket: Socket, bytes: number): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.write(Buffer.alloc(bytes), () => resolve());
  });
}

/** Long enough for what a peer did to have been told: local sockets are that quick. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const off = ({ connection }: Watched): void => connection.readDisable(true);

describe('while reads are off', { skip: !INTERFACES.includes('syscall') }, () => {
  test('a client’s reset closes its connection at once, also with bytes unread', async () => {
    const [watched, client] = await downstream(off);
    await written(client, 1000);
    client.resetAndDestroy();
    assert.equal(await watched.closed, 'remote-close ECONNRESET');
    assert.equal(watched.received(), 0);
  });

  test('a reset that came together with the bytes that switched reads off is told too', async () => {
    const [watched, client] = await downstream((each) => {
      each.onData = () => each.connection.readDisable(true);
    });
    await turns(5);
    client.write(Buffer.alloc(MUCH));
    client.resetAndDestroy();
    assert.equal(await watched.closed, 'remote-close ECONNRESET');
  });

  test('a client’s end waits for the bytes before it', async () => {
    const [watched, client] = await downstream(off);
    client.end(Buffer.alloc(MUCH));
    await once(client, 'finish');
    await turns(50);
    assert.equal(watched.connection.state, 'open');
    watched.connection.readDisable(false);
    assert.equal(await watched.closed, 'remote-close ');
    assert.equal(watched.received(), MUCH);
  });

  test('a client’s end with nothing before it closes its connection at once', async () => {
    const [watched, client] = await downstream(off);
    client.end();
    assert.equal(await watched.closed, 'remote-close ');
  });

  test('with half-close it does not', async () => {
    const [watched, client] = await downstream((each) => {
      each.connection.enableHalfClose(true);
      off(each);
    });
    client.end();
    await turns(50);
    assert.equal(watched.connection.state, 'open');
    assert.equal(watched.ended, false);
    watched.connection.readDisable(false);
    while (!watched.ended) await turns(1);
    watched.connection.close('abort');
    client.destroy();
  });

  test('a server’s reset closes its connection at once when nothing of its answer lies unread', async () => {
    const [watched, peer] = await upstream();
    off(watched);
    peer.resetAndDestroy();
    assert.equal(await watched.closed, 'remote-close ECONNRESET');
  });

  test('else the answer is read first, and its end is no clean one', async () => {
    const [watched, peer] = await upstream();
    off(watched);
    await written(peer, 50_000);
    peer.resetAndDestroy();
    await turns(50);
    assert.equal(watched.connection.state, 'open');
    watched.connection.readDisable(false);
    assert.equal(await watched.closed, 'remote-close ECONNRESET');
    assert.equal(watched.received(), 50_000);
  });
});
