/**
 * Upstream of the parts `pairing` and `streams`: it answers each request with that request's nonce, and checks that a request's body
 * belongs to its head. What it does beside that is chance, from a seed: connections that end after a random number of requests (with
 * notice, without, by a reset, in the middle of an answer), answers in pieces, late or with bytes behind them that nobody asked for,
 * a listener that is away for a while, a process that stands still while its accept queue is full.
 */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterMs } from '../../../src/base/clock.ts';
import { Dice } from '../dice.ts';
import { headerOf, HttpReader, repeated } from './http-reader.ts';
import type { HttpMessage } from './http-reader.ts';
import { onParent, optionsOfParent, tellParent } from './parent.ts';

export interface NonceServiceOptions {
  readonly seed: number;
  /** `steady` never ends a connection; the others do and, by their names, are away for a while now and then. */
  readonly nature: 'steady' | 'churning' | 'late' | 'held';
  /** So many answers carry the nonce of another request: for the test that such a one is found. 0: none. */
  readonly wrongEvery: number;
}

/** Requests of one connection. */
const MOST_REQUESTS = 300;
const DELAYED = 0.005;
const IN_PIECES = 0.1;
const CHUNKED = 0.3;
const STRAY = 0.0005;
/** Pauses between two absences, and their lengths. */
const BETWEEN_MS = [150, 600] as const;
const LATE_MS = [10, 80] as const;
const HELD_MS = [5, 30] as const;
const SMALL_QUEUE = 4;

type End = 'announced' | 'silent' | 'reset' | 'halfway';

const options = optionsOfParent() as NonceServiceOptions;
const dice = new Dice(options.seed);
let requests = 0;
let connections = 0;
let confused = 0;
let lastNonce = 'none';

class Connection {
  readonly #socket: Socket;
  readonly #reader = new HttpReader();
  readonly #end: End = dice.pick(['announced', 'silent', 'silent', 'reset', 'halfway'] as const);
  #left = options.nature === 'steady' ? Number.POSITIVE_INFINITY : dice.between(1, MOST_REQUESTS);

  constructor(socket: Socket) {
    connections += 1;
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.on('data', (text: string) => {
      this.#reader.push(text);
      for (let message = this.#reader.next(); message !== null; message = this.#reader.next())
        this.#take(message);
    });
  }

  #take(message: HttpMessage): void {
    requests += 1;
    this.#left -= 1;
    const nonce = headerOf(message.head, 'x-nonce') ?? 'missing';
    if (message.body !== '' && message.body !== repeated(nonce, message.body.length)) confused += 1;
    if (options.nature !== 'steady' && dice.chance(DELAYED))
      afterMs(dice.between(1, 5), () => this.#answer(message, nonce));
    else this.#answer(message, nonce);
  }

  #answer({ head }: HttpMessage, nonce: string): void {
    const last = this.#left <= 0;
    const wrong = options.wrongEvery > 0 && requests % options.wrongEvery === 0;
    const text = answerText(
      wrong ? lastNonce : nonce,
      head.startsWith('HEAD '),
      last && this.#end === 'announced',
    );
    lastNonce = nonce;
    if (!last) this.#write(text);
    else if (this.#end === 'reset') this.#socket.resetAndDestroy();
    else this.#socket.end(this.#end === 'halfway' ? text.slice(0, -5) : text);
  }

  #write(text: string): void {
    if (options.nature === 'steady') this.#socket.write(text);
    // In the same segment: behind an answer that was read already, no proxy could tell it from the next one.
    else if (dice.chance(STRAY)) this.#socket.write(text + answerText('stray', false, false));
    else if (dice.chance(IN_PIECES)) {
      const cut = dice.between(1, text.length - 1);
      this.#socket.write(text.slice(0, cut));
      setImmediate(() => this.#socket.write(text.slice(cut)));
    } else this.#socket.write(text);
  }
}

function answerText(nonce: string, bodiless: boolean, last: boolean): string {
  const head = `HTTP/1.1 200 OK\r\nx-nonce: ${nonce}\r\n${last ? 'connection: close\r\n' : ''}`;
  if (!dice.chance(CHUNKED)) return `${head}content-length: ${nonce.length}\r\n\r\n${bodiless ? '' : nonce}`;
  const body = bodiless ? '' : `${nonce.length.toString(16)}\r\n${nonce}\r\n0\r\n\r\n`;
  return `${head}transfer-encoding: chunked\r\n\r\n${body}`;
}

const server = createServer({ allowHalfOpen: true }, (socket) => new Connection(socket));
// The queue is small where it is to be full.
const place = { host: '127.0.0.1', ...(options.nature === 'held' ? { backlog: SMALL_QUEUE } : {}) };
server.listen({ ...place, port: 0 }, () => {
  const { port } = server.address() as AddressInfo;
  tellParent({ kind: 'ready', port });
  if (options.nature === 'late') goAway(port);
  if (options.nature === 'held') standStill();
});

/** Connections are refused meanwhile; those that are open stay. */
function goAway(port: number): void {
  afterMs(dice.between(...BETWEEN_MS), () => {
    server.close();
    afterMs(dice.between(...LATE_MS), () => server.listen({ ...place, port }));
    goAway(port);
  });
}

/** SYNs that find the queue full are dropped and come again a second later. */
function standStill(): void {
  const sleeping = new Int32Array(new SharedArrayBuffer(4));
  afterMs(dice.between(...BETWEEN_MS), () => {
    Atomics.wait(sleeping, 0, 0, dice.between(...HELD_MS));
    standStill();
  });
}

onParent(({ kind }) => {
  if (kind === 'count') tellParent({ kind: 'counted', requests, connections, confused });
});
