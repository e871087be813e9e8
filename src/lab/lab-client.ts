/**
 * A client of a lab: one connection, bytes written as the lab cuts them, answers read as fast or as slowly as it says. One request at a
 * time; nothing reconnects. Bodies are counted, not kept.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface Answer {
  /** 0: the connection was closed without one. */
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  readonly bodyBytes: number;
}

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

export class LabClient {
  readonly #socket: Socket;
  /** Bytes of the answer's head until it is whole, afterwards the last few of its body. */
  #text = '';
  #head: string | null = null;
  #bodyBytes = 0;
  #closed = false;
  #answered: ((answer: Answer) => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#onClose());
  }

  static async open(port: number, from = '127.0.0.1'): Promise<LabClient> {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    const client = new LabClient(socket);
    await once(socket, 'connect');
    return client;
  }

  /** False: it is of no use any more. */
  get open(): boolean {
    return !this.#closed;
  }

  write(bytes: string | Buffer): void {
    this.#socket.write(bytes);
  }

  /** The answer to what was written. */
  answer(): Promise<Answer> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#finish();
    });
  }

  ask(bytes: string | Buffer): Promise<Answer> {
    this.write(bytes);
    return this.answer();
  }

  /** Leaves what comes to the kernel, until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    if (this.#head !== null) {
      this.#countBody(text);
    } else {
      this.#text += text;
      const end = this.#text.indexOf(HEAD_END);
      if (end < 0) return;
      this.#head = this.#text.slice(0, end);
      const body = this.#text.slice(end + HEAD_END.length);
      this.#text = '';
      this.#countBody(body);
    }
    this.#finish();
  }

  #countBody(text: string): void {
    this.#bodyBytes += text.length;
    this.#text = (this.#text + text.slice(-LAST_CHUNK.length)).slice(-LAST_CHUNK.length);
  }

  #onClose(): void {
    this.#closed = true;
    this.#finish();
  }

  #finish(): void {
    if (this.#answered === null || !(this.#closed || this.#isWhole())) return;
    const head = this.#head ?? '';
    const answer = { status: Number(head.split(' ')[1] ?? 0), head, bodyBytes: this.#bodyBytes };
    const resolve = this.#answered;
    this.#answered = null;
    this.#head = null;
    this.#text = '';
    this.#bodyBytes = 0;
    resolve(answer);
  }

  #isWhole(): boolean {
    if (this.#head === null) return false;
    const length = /^content-length: *(\d+)/im.exec(this.#head);
    return length === null ? this.#text === LAST_CHUNK : this.#bodyBytes >= Number(length[1]);
  }
}

/** A request without body, on a connection that stays. */
export function get(path: string, headers: readonly string[] = []): string {
  return ['GET ' + path + ' HTTP/1.1', 'host: lab', ...headers, '', ''].join('\r\n');
}

/** The head of an upload of that size. */
export function uploadHead(path: string, bytes: number, headers: readonly string[] = []): string {
  return [`POST ${path} HTTP/1.1`, 'host: lab', `content-length: ${bytes}`, ...headers, '', ''].join('\r\n');
}
