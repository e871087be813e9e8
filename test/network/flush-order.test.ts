/** The order of flushes, closes and callbacks, on a socket that does what the test says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionEvent } from '../../src/api/network.ts';
import type { Bytes } from '../../src/api/bytes.ts';
import type { WriteResult } from '../../src/api/socket.ts';
import { ConnectionIds } from '../../src/base/ids.ts';
import { bytesOf } from '../../src/buffer/bytes.ts';
import { HEAP_BLOCKS } from '../../src/buffer/chunk-queue.ts';
import { HEAP_SLABS, TurnSlab } from '../../src/buffer/turn-slab.ts';
import { TurnDispatcher } from '../../src/event/turn-dispatcher.ts';
import { AbsentSocket } from '../../src/network/absent-socket.ts';
import { PortableSockets } from '../../src/network/portable-sockets.ts';
import { StreamConnection } from '../../src/network/stream-connection.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { LOOPBACK } from '../support/thread.ts';

/** Takes everything that is offered; while `holds`, it still has it itself, as a stream of Node's does. */
class HoldingSocket extends AbsentSocket {
  holds = false;
  readonly did: string[] = [];

  constructor() {
    super(LOOPBACK);
  }

  override write(views?: readonly Bytes[], count = 0): WriteResult {
    let written = 0;
    for (const view of views?.slice(0, count) ?? []) written += view.end - view.start;
    this.did.push(`write ${written}`);
    return { written, blocked: this.holds, at: 0, took: 0, errorCode: '' };
  }

  override shutdownWrite(): void {
    this.did.push('fin');
  }

  override close(): void {
    this.did.push('close');
  }
}

function open(state: 'open' | 'connecting' = 'open'): {
  turns: TurnDispatcher;
  clock: FakeClock;
  socket: HoldingSocket;
  connection: StreamConnection;
  events: ConnectionEvent[];
} {
  const clock = new FakeClock();
  const turns = new TurnDispatcher({ name: 'test', clock, tid: 1 });
  const socket = new HoldingSocket();
  const thread = {
    dispatcher: turns,
    sockets: new PortableSockets(turns),
    ids: new ConnectionIds(new SharedArrayBuffer(4)),
    blocks: HEAP_BLOCKS,
    slab: new TurnSlab(HEAP_SLABS),
    viewsPerWrite: 64,
    views: [],
    stop: () => undefined,
  };
  const options = { thread, id: 1, side: 'downstream', createdAt: 0, bufferLimitBytes: 1024 } as const;
  const connection = new StreamConnection(options, state, () => socket);
  const events: ConnectionEvent[] = [];
  connection.addCallbacks({
    onEvent: (event) => events.push(event),
    onAboveWriteBufferHighWatermark: () => undefined,
    onBelowWriteBufferLowWatermark: () => undefined,
  });
  return { turns, clock, socket, connection, events };
}

for (const type of ['flush', 'flush-delayed'] as const) {
  test(`a close by ${type} waits for a socket that holds the last bytes itself`, () => {
    const { turns, socket, connection, events } = open();
    socket.holds = true;
    turns.run(() => {
      connection.write(bytesOf('the last bytes'), false);
      connection.close(type);
    });
    assert.deepEqual([connection.state, socket.did], ['closing', ['write 14']]);
    socket.holds = false;
    turns.run(() => connection.onWritable());
    assert.deepEqual(socket.did, ['write 14', type === 'flush' ? 'close' : 'fin']);
    assert.equal(events.length, type === 'flush' ? 1 : 0);
    turns.run(() => connection.close('abort'));
    turns.stop();
  });
}

test('a connection that is closed while its flush is told has no second end', () => {
  const { turns, socket, connection, events } = open();
  turns.run(() => {
    const observer = { onWrite: () => undefined, onFlushed: () => connection.close('abort') };
    connection.observeWrites(observer);
    connection.write(bytesOf('x'), false);
    connection.endObserveWrites(observer);
    connection.close('flush-delayed');
  });
  assert.deepEqual(socket.did, ['write 1', 'close']);
  assert.deepEqual(events, ['local-close']);
  turns.stop();
});

test('what the kernel took is told though another connection’s callback closes this one before its outcome is looked at', () => {
  const { turns, socket, connection } = open();
  const told: number[] = [];
  let flushed = 0;
  turns.run(() => {
    // Stands in front in the flush list: its callbacks come when all have written.
    turns.scheduleFlush({ flush: () => undefined, afterFlush: () => connection.close('abort') });
    connection.observeWrites({
      onWrite: (_at, _took, bytes) => told.push(bytes),
      onFlushed: () => (flushed += 1),
    });
    connection.write(bytesOf('taken'), false);
  });
  assert.deepEqual(socket.did, ['write 5', 'close']);
  assert.deepEqual([told, connection.bytesSent, flushed], [[5], 5, 0]);
  turns.stop();
});

test('an end of writing that was asked for before the connection was up is sent then', () => {
  const { turns, socket, connection } = open('connecting');
  turns.run(() => connection.endWrite());
  assert.deepEqual(socket.did, []);
  turns.run(() => connection.onConnect(''));
  assert.deepEqual(socket.did, ['fin']);
  connection.close('abort');
  turns.stop();
});
