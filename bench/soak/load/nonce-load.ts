/**
 * Load of the parts `pairing` and `streams`: pipelines of random requests over many connections, each with a nonce of its own that its
 * answer must carry. Answers come in the order of requests, so the nonce that is due is known. A connection that the proxy closes (it
 * must, where an answer broke off) is replaced; what was asked on it counts as cut off.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Dice } from '../dice.ts';
import { headerOf, HttpReader, repeated, statusOf } from './http-reader.ts';
import type { HttpMessage } from './http-reader.ts';
import { onParent, optionsOfParent, tellParent } from './parent.ts';

export interface NonceLoadOptions {
  readonly port: number;
  readonly seed: number;
  readonly connections: number;
  /** Most requests that a client sends before it reads. */
  readonly pipeline: number;
  /** First words of paths, by chance. */
  readonly paths: readonly string[];
}

export interface NonceCounts {
  readonly sent: number;
  /** 200 with the right nonce. */
  readonly right: number;
  readonly wrong: number;
  /** Other statuses by number. */
  readonly refused: Readonly<Record<string, number>>;
  /** Asked on a connection that the proxy closed before it answered. */
  readonly cutOff: number;
  /** Asked on a connection that the client itself gave up. */
  readonly abandoned: number;
  /** First wrong pairs. */
  readonly examples: readonly string[];
}

interface Due {
  readonly nonce: string;
  readonly head: boolean;
}

/** By pipeline. */
const GIVES_UP = 0.002;
const LARGE_BODY = 0.002;
const MOST_SMALL_BYTES = 1500;
const LARGE_BYTES = 100_000;
const EXAMPLES = 5;
const PROGRESS_EVERY = 20_000;

const options = optionsOfParent() as NonceLoadOptions;
const dice = new Dice(options.seed);
const refused: Record<string, number> = {};
const examples: string[] = [];
const counts = { sent: 0, right: 0, wrong: 0, cutOff: 0, abandoned: 0 };
let goal = 0;
let idle = 0;

class Client {
  #socket: Socket | null = null;
  #reader = new HttpReader();
  #due: Due[] = [];

  next(): void {
    if (counts.sent >= goal) {
      idle += 1;
      if (idle === options.connections)
        tellParent({ kind: 'done', counts: { ...counts, refused, examples } });
      return;
    }
    const socket = this.#socket ?? this.#connect();
    const many = Math.min(dice.between(1, options.pipeline), goal - counts.sent);
    let text = '';
    for (let index = 0; index < many; index += 1) text += this.#request();
    socket.write(text, 'latin1');
    if (dice.chance(GIVES_UP)) setImmediate(() => this.#giveUp());
  }

  #connect(): Socket {
    const socket = connect(options.port, '127.0.0.1');
    const reader = new HttpReader();
    this.#socket = socket;
    this.#reader = reader;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('data', (text: string) => {
      if (this.#socket !== socket) return;
      reader.push(text);
      this.#read();
    });
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      counts.cutOff += this.#due.length;
      this.#drop();
    });
    return socket;
  }

  #read(): void {
    for (;;) {
      const [due] = this.#due;
      if (due === undefined) break;
      const message = this.#reader.next(due.head);
      if (message === null) return;
      this.#due.shift();
      judge(message, due);
    }
    if (this.#reader.rest !== '') note(`bytes that nobody asked for: ${this.#reader.rest.slice(0, 100)}`);
    this.next();
  }

  #giveUp(): void {
    if (this.#due.length === 0) return;
    counts.abandoned += this.#due.length;
    const socket = this.#socket;
    this.#drop();
    socket?.destroy();
  }

  #drop(): void {
    const waiting = this.#due.length > 0;
    this.#socket = null;
    this.#due = [];
    if (waiting) this.next();
  }

  #request(): string {
    counts.sent += 1;
    if (counts.sent % PROGRESS_EVERY === 0) tellParent({ kind: 'progress', sent: counts.sent });
    const nonce = dice.bits().toString(16).padStart(8, '0') + counts.sent.toString(16).padStart(8, '0');
    const method = dice.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT'] as const);
    this.#due.push({ nonce, head: method === 'HEAD' });
    const head = `${method} ${dice.pick(options.paths)}${nonce} HTTP/1.1\r\nhost: soak\r\nx-nonce: ${nonce}\r\n`;
    if (method === 'GET' || method === 'HEAD') return `${head}\r\n`;
    const size = dice.chance(LARGE_BODY)
      ? dice.between(MOST_SMALL_BYTES, LARGE_BYTES)
      : dice.between(1, MOST_SMALL_BYTES);
    const body = repeated(nonce, size);
    if (method === 'POST') return `${head}content-length: ${size}\r\n\r\n${body}`;
    return `${head}transfer-encoding: chunked\r\n\r\n${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  }
}

function judge({ head, body }: HttpMessage, due: Due): void {
  const status = statusOf(head);
  if (status !== 200) {
    refused[status] = (refused[status] ?? 0) + 1;
    return;
  }
  const nonce = headerOf(head, 'x-nonce');
  if (nonce === due.nonce && (due.head || body === due.nonce)) counts.right += 1;
  else note(`asked ${due.nonce}, got ${nonce ?? 'no nonce'} with body ${body.slice(0, 40)}`);
}

function note(example: string): void {
  counts.wrong += 1;
  if (examples.length < EXAMPLES) examples.push(example);
}

const clients = Array.from({ length: options.connections }, () => new Client());
tellParent({ kind: 'ready' });
// `more` more requests, over the connections that are there.
onParent((message) => {
  if (message.kind !== 'send') return;
  const { more } = message as { kind: string; more: number };
  goal = counts.sent + more;
  idle = 0;
  for (const client of clients) client.next();
});
