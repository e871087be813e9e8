/**
 * The L4 filters of a connection over real sockets: who is asked in which order, what stop and continue do, what a filter may do to
 * the connection in the middle of it, and that bytes pass them unchanged.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { ByteQueue } from '../../src/api/bytes.ts';
import type { FilterStatus, ReadFilter, ReadFilterCallbacks, WriteFilter } from '../../src/api/network.ts';
import { bytesOf } from '../../src/buffer/bytes.ts';
import type { StreamConnection } from '../../src/network/stream-connection.ts';
import { patternAt, writePattern } from '../support/pattern.ts';
import { INTERFACES, listen, portOf } from '../support/thread.ts';

const MIB = 1024 * 1024;

interface Script {
  onNewConnection?: (connection: StreamConnection) => FilterStatus;
  onData?: (data: ByteQueue, endStream: boolean, connection: StreamConnection) => FilterStatus;
  onWrite?: (data: ByteQueue, endStream: boolean, connection: StreamConnection) => FilterStatus;
}

function textOf(data: ByteQueue): string {
  let text = '';
  for (let at = 0; at < data.count; at += 1) {
    const { block, start, end } = data.at(at);
    text += block.buffer.toString('latin1', start, end);
  }
  return text;
}

/** A filter of both directions that writes down what it is asked. */
class Noting implements ReadFilter, WriteFilter {
  readonly name: string;
  callbacks: ReadFilterCallbacks | null = null;
  readonly #trace: string[];
  readonly #script: Script;

  constructor(name: string, trace: string[], script: Script) {
    this.name = name;
    this.#trace = trace;
    this.#script = script;
  }

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    this.callbacks = callbacks;
  }

  onNewConnection(): FilterStatus {
    this.#trace.push(`${this.name}+`);
    return this.#script.onNewConnection?.(this.#connection) ?? 'continue';
  }

  onData(data: ByteQueue, endStream: boolean): FilterStatus {
    this.#trace.push(`${this.name}>${textOf(data)}${endStream ? '.' : ''}`);
    return this.#script.onData?.(data, endStream, this.#connection) ?? 'continue';
  }

  onWrite(data: ByteQueue, endStream: boolean): FilterStatus {
    this.#trace.push(`${this.name}<${textOf(data)}${endStream ? '.' : ''}`);
    return this.#script.onWrite?.(data, endStream, this.#connection) ?? 'continue';
  }

  get #connection(): StreamConnection {
    assert.ok(this.callbacks !== null);
    return this.callbacks.connection as StreamConnection;
  }
}

/** Takes what it gets and answers it in capitals; the end with the end. */
const answering: Script = {
  onData: (data, endStream, connection) => {
    const text = textOf(data).toUpperCase();
    data.drain(data.length);
    connection.write(bytesOf(text), endStream);
    return 'stop';
  },
};

for (const kind of INTERFACES) {
  describe(`network filters on the ${kind} interface`, () => {
    interface Chain {
      readonly trace: string[];
      readonly filters: Noting[];
      readonly client: Socket;
      readonly server: StreamConnection;
    }

    /** A connection through filters `a`, `b`, … with these scripts. */
    async function chain(scripts: readonly Script[], use: (made: Chain) => Promise<void>): Promise<void> {
      const trace: string[] = [];
      const accepted = Promise.withResolvers<{ server: StreamConnection; filters: Noting[] }>();
      const socket = await listen(kind, (server) => {
        server.enableHalfClose(true);
        const filters = scripts.map((script, index) => new Noting('abc'.charAt(index), trace, script));
        for (const filter of filters) {
          server.addReadFilter(filter);
          server.addWriteFilter(filter);
        }
        accepted.resolve({ server, filters });
      });
      const client = connect({ port: portOf(socket), host: '127.0.0.1', allowHalfOpen: true });
      client.setNoDelay(true);
      client.setEncoding('latin1').on('error', () => undefined);
      try {
        await use({ trace, client, ...(await accepted.promise) });
      } finally {
        client.destroy();
        socket.close();
      }
    }

    test('are asked in order for what comes and in reverse for what goes, to the end of both', () =>
      chain([{}, {}, answering], async ({ trace, client }) => {
        client.write('hi');
        assert.deepEqual(await once(client, 'data'), ['HI']);
        assert.equal(trace.splice(0).join(' '), 'a+ b+ c+ a>hi b>hi c>hi c<HI b<HI a<HI');
        client.end();
        await once(client, 'end');
        assert.deepEqual(trace, ['a>.', 'b>.', 'c>.', 'c<.', 'b<.', 'a<.']);
      }));

    test('that stop at the new connection hold the ones behind them up until they continue, bytes included', () =>
      chain([{}, { onNewConnection: () => 'stop', onData: () => 'stop' }, answering], async (made) => {
        const { trace, client, filters, server } = made;
        client.write('early');
        while (server.bytesReceived < 5) await new Promise(setImmediate);
        assert.deepEqual(trace.splice(0), ['a+', 'b+', 'a>early', 'b>early']);
        server.dispatcher.post(() => filters[1]?.callbacks?.continueReading());
        assert.deepEqual(await once(client, 'data'), ['EARLY']);
        assert.deepEqual(trace.slice(0, 2), ['c+', 'c>early']);
      }));

    test('that keep bytes see them again with the next ones, and the ones behind see what is let through', () => {
      const lines: Script = {
        onData: (data) => (textOf(data).endsWith('\n') ? 'continue' : 'stop'),
      };
      return chain([lines, answering], async ({ trace, client, server }) => {
        client.write('half');
        while (server.bytesReceived < 4) await new Promise(setImmediate);
        client.write(' line\n');
        assert.deepEqual(await once(client, 'data'), ['HALF LINE\n']);
        assert.equal(
          trace.splice(0).join(' '),
          'a+ b+ a>half a>half line\n b>half line\n b<HALF LINE\n a<HALF LINE\n',
        );
      });
    });

    for (const type of ['reset', 'abort', 'flush'] as const) {
      test(`may refuse a connection by ${type}: no filter behind it ever hears of it`, async () => {
        const refuse: Script = {
          onNewConnection: (connection) => {
            connection.close(type, 'refused by filter');
            return 'continue';
          },
        };
        await chain([{}, refuse, answering], async ({ trace, client, server }) => {
          const ended = Promise.withResolvers<string>();
          client.on('error', (error: NodeJS.ErrnoException) => ended.resolve(error.code ?? ''));
          client.on('end', () => ended.resolve('end'));
          client.resume();
          assert.equal(await ended.promise, type === 'reset' ? 'ECONNRESET' : 'end');
          assert.deepEqual(trace, ['a+', 'b+']);
          assert.equal(server.closeReason, 'refused by filter');
          assert.equal(server.state, 'closed');
        });
      });
    }

    test('that close the connection while reading or writing end the round there', async () => {
      const closing: Script = {
        onData: (_data, _end, connection) => {
          connection.close('abort');
          return 'continue';
        },
      };
      await chain([closing, answering], async ({ trace, client }) => {
        client.write('x');
        client.resume();
        await once(client, 'end');
        assert.deepEqual(trace, ['a+', 'b+', 'a>x']);
      });
      const cutting: Script = {
        onWrite: (_data, _end, connection) => {
          connection.close('abort');
          return 'continue';
        },
      };
      await chain([{}, cutting, answering], async ({ trace, client, server }) => {
        client.write('x');
        client.resume();
        await once(client, 'end');
        assert.deepEqual(trace.slice(3), ['a>x', 'b>x', 'c>x', 'c<X', 'b<X']);
        assert.equal(server.bytesSent, 0);
      });
    });

    test('of the writing side may take bytes away, and with stop also the end behind them', async () => {
      const withoutVowels: Script = {
        onWrite: (data) => {
          while (data.length > 0 && 'AEIOU'.includes(textOf(data).charAt(0))) data.drain(1);
          return 'continue';
        },
      };
      await chain([withoutVowels, answering], async ({ client }) => {
        client.write('aiax');
        assert.deepEqual(await once(client, 'data'), ['X']);
      });
      let held = true;
      const holding: Script = { onWrite: () => (held ? 'stop' : 'continue') };
      await chain([holding, answering], async ({ trace, client, server }) => {
        client.end('gone');
        while (!trace.includes('a<.') && !trace.includes('a<GONE.')) await new Promise(setImmediate);
        await new Promise(setImmediate);
        assert.equal(server.bytesSent, 0);
        assert.equal(server.state, 'open', 'the end was held with the bytes');
        held = false;
        server.write(bytesOf('after all'), true);
        assert.deepEqual(await once(client, 'data'), ['after all']);
        await once(client, 'end');
      });
    });

    test('that do nothing let 100 MiB pass byte for byte, both ways', async () => {
      const size = 100 * MIB;
      const pass = (): ReadFilter & WriteFilter => ({
        initializeReadFilterCallbacks: () => undefined,
        onNewConnection: () => 'continue',
        onData: () => 'continue',
        onWrite: () => 'continue',
      });
      const socket = await listen(kind, (server) => {
        server.enableHalfClose(true);
        server.addCallbacks({
          onEvent: () => undefined,
          onAboveWriteBufferHighWatermark: () => server.readDisable(true),
          onBelowWriteBufferLowWatermark: () => server.readDisable(false),
        });
        for (const filter of [pass(), pass(), pass()]) {
          server.addReadFilter(filter);
          server.addWriteFilter(filter);
        }
        server.addReadFilter({
          ...pass(),
          onData: (data, endStream) => {
            for (let at = 0; at < data.count; at += 1) server.write(data.at(at), false);
            data.drain(data.length);
            if (endStream) server.endWrite();
            return 'stop';
          },
        });
      });
      const client = connect({ port: portOf(socket), host: '127.0.0.1', allowHalfOpen: true });
      const back = createHash('sha256');
      let received = 0;
      client.on('data', (bytes: Buffer) => {
        received += bytes.length;
        back.update(bytes);
      });
      const ended = once(client, 'end');
      assert.ok(await writePattern(client, 0, size));
      client.end();
      await ended;
      const sent = createHash('sha256');
      for (let at = 0; at < size;) {
        const piece = patternAt(at, size - at);
        sent.update(piece);
        at += piece.length;
      }
      assert.equal(received, size);
      assert.equal(back.digest('hex'), sent.digest('hex'));
      socket.close();
    });
  });
}
