/**
 * Reads of a batch are made in front of its callbacks. What a callback then does to a connection whose turn has not come must come
 * out as if nothing had been read: each test has two connections ready in one batch, and the first one's callback acts on the second.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { delay } from '../../src/base/clock.ts';
import type { StreamConnection } from '../../src/network/stream-connection.ts';
import { INTERFACES, listen, portOf, threadOf } from '../support/thread.ts';

const SYSCALL = { skip: !INTERFACES.includes('syscall') };

interface Seen {
  readonly text: string;
  readonly turn: number;
}

class Pair {
  readonly connections: StreamConnection[] = [];
  readonly clients: Socket[] = [];
  readonly seen: Seen[][] = [[], []];
  readonly ends: string[] = ['', ''];
  /** Runs in the first connection's read filter. */
  onFirst: (second: StreamConnection) => void = () => undefined;
  readonly #server: Awaited<ReturnType<typeof listen>>;

  private constructor(server: Awaited<ReturnType<typeof listen>>) {
    this.#server = server;
  }

  static async open(): Promise<Pair> {
    const waiting: ((connection: StreamConnection) => void)[] = [];
    const pair = new Pair(await listen('syscall', (connection) => waiting.shift()?.(connection)));
    for (const index of [0, 1]) {
      const accepted = new Promise<void>((resolve) => {
        waiting.push((connection) => {
          pair.#adopt(connection, index);
          resolve();
        });
      });
      const client = connect({ port: portOf(pair.#server), host: '127.0.0.1' });
      client.on('error', () => undefined);
      pair.clients.push(client);
      await Promise.all([accepted, once(client, 'connect')]);
    }
    await delay(20);
    return pair;
  }

  get second(): StreamConnection {
    const second = this.connections[1];
    assert.ok(second !== undefined);
    return second;
  }

  /** Both clients act before the thread looks again: their events are one batch. */
  async act(second: (client: Socket) => void, ms = 60): Promise<void> {
    const [one, two] = this.clients;
    assert.ok(one !== undefined && two !== undefined);
    one.write('first');
    second(two);
    await delay(ms);
  }

  texts(index: number): string[] {
    return (this.seen[index] ?? []).map(({ text }) => text);
  }

  close(): void {
    for (const client of this.clients) client.destroy();
    for (const connection of this.connections) connection.close('abort');
    this.#server.close();
  }

  #adopt(connection: StreamConnection, index: number): void {
    this.connections[index] = connection;
    connection.addCallbacks({
      onEvent: (event) => {
        this.ends[index] = event;
      },
      onAboveWriteBufferHighWatermark: () => undefined,
      onBelowWriteBufferLowWatermark: () => undefined,
    });
    connection.addReadFilter({
      initializeReadFilterCallbacks: () => undefined,
      onNewConnection: () => 'continue',
      onData: (data) => {
        let text = '';
        while (data.count > 0) {
          const view = data.at(0);
          text += view.block.buffer.toString('latin1', view.start, view.end);
          data.drain(view.end - view.start);
        }
        this.seen[index]?.push({ text, turn: connection.dispatcher.turn });
        if (index === 0) this.onFirst(this.second);
        return 'stop';
      },
    });
  }
}

function test2(name: string, run: (pair: Pair) => Promise<void>): void {
  test(name, SYSCALL, async () => {
    const pair = await Pair.open();
    try {
      await run(pair);
    } finally {
      pair.close();
    }
  });
}

test2(
  'what waited for another connection’s callback counts as waited, and the read begins afterwards',
  async (pair) => {
    const { clock } = threadOf('syscall').dispatcher;
    let busyFrom = 0;
    pair.onFirst = () => {
      busyFrom = clock.now();
      while (clock.now() - busyFrom < 20);
    };
    await pair.act((client) => client.write('second'));
    assert.deepEqual([pair.texts(0), pair.texts(1)], [['first'], ['second']]);
    assert.equal(pair.seen[0]?.[0]?.turn, pair.seen[1]?.[0]?.turn, 'one batch');
    const { at, took, waited } = pair.second.lastRead;
    assert.ok(
      at >= busyFrom + 20 - took - 0.001,
      `the read began ${at - busyFrom} ms after the other callback`,
    );
    assert.ok(waited >= 19.5 && waited < 60, `waited ${waited} ms`);
    assert.ok(took >= 0 && took < 15, `took ${took} ms`);
  },
);

test2(
  'reads that a callback switches off bring nothing until they are on again, and then all of it once',
  async (pair) => {
    pair.onFirst = (second) => second.readDisable(true);
    await pair.act((client) => client.write('second'));
    assert.deepEqual(pair.texts(1), []);
    pair.clients[1]?.write(' and more');
    await delay(20);
    assert.deepEqual(pair.texts(1), []);
    pair.second.dispatcher.run(() => pair.second.readDisable(false));
    await delay(40);
    assert.equal(pair.texts(1).join(''), 'second and more');
    assert.equal(pair.second.bytesReceived, 15);
  },
);

test2('off and on again within one callback loses nothing', async (pair) => {
  pair.onFirst = (second) => {
    second.readDisable(true);
    second.readDisable(false);
  };
  await pair.act((client) => client.write('second'));
  assert.deepEqual(pair.texts(1), ['second']);
});

test2('an end that was read ahead comes when reads are on again', async (pair) => {
  pair.second.enableHalfClose(true);
  pair.onFirst = (second) => second.readDisable(true);
  await pair.act((client) => client.end());
  assert.equal(pair.ends[1], '');
  assert.equal(pair.second.remoteEnded, false);
  pair.second.dispatcher.run(() => pair.second.readDisable(false));
  await delay(40);
  assert.equal(pair.second.remoteEnded, true);
});

test2('an end that was read ahead ends a connection that is closed while reads are off', async (pair) => {
  pair.second.enableHalfClose(true);
  pair.second.setDelayedCloseTimeout(60_000);
  pair.onFirst = (second) => second.readDisable(true);
  await pair.act((client) => client.end());
  pair.second.dispatcher.run(() => pair.second.close('flush-delayed'));
  await delay(40);
  assert.equal(pair.second.state, 'closed');
});

test2(
  'a client’s reset that was read ahead ends the connection though reads are off by then',
  async (pair) => {
    pair.onFirst = (second) => second.readDisable(true);
    await pair.act((client) => client.resetAndDestroy());
    assert.equal(pair.ends[1], 'remote-close');
    assert.equal(pair.second.closeReason, 'ECONNRESET');
  },
);

test2('a connection that a callback closes gets nothing of what was read', async (pair) => {
  pair.onFirst = (second) => second.close('abort');
  await pair.act((client) => client.write('second'));
  assert.deepEqual(pair.texts(1), []);
  assert.equal(pair.ends[1], 'local-close');
});

test2('peek knows of bytes and of an end that were read ahead', async (pair) => {
  const peeked: number[] = [];
  pair.onFirst = (second) => peeked.push(second.peek());
  await pair.act((client) => client.write('second'));
  await pair.act((client) => client.end());
  assert.deepEqual(peeked, [6, -1]);
});
