/**
 * One connection of the open loop, one request on it at a time.
 *
 *   keep-alive       opening -> idle <-> busy            opened again when it was closed
 *   one per request  closed -> busy -> closing -> closed  free for the next when the server has closed too
 *
 * With a connection per request the server closes first, so the waiting of closed connections (TIME_WAIT) is on its side and the
 * client's ports do not run out. Each request has one outcome.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterMs } from '../../src/base/clock.ts';
import { nowUs } from './open-loop-alarm.ts';
import { AnswerReader } from './open-loop-answer.ts';
import type { AnswerState } from './open-loop-answer.ts';

export type Outcome = 'answered' | 'status' | 'connection' | 'timeout';

export interface ConnectionOptions {
  readonly address: string;
  readonly port: number;
  readonly from?: string;
  readonly keepAlive: boolean;
  readonly onOutcome: (connection: OpenLoopConnection, outcome: Outcome) => void;
  /** It can take a request. */
  readonly onFree: (connection: OpenLoopConnection) => void;
}

type State = 'closed' | 'opening' | 'idle' | 'busy' | 'closing' | 'given-up';

const REOPEN_MS = 100;
const LEAST_ERROR = 300;

export class OpenLoopConnection {
  readonly #options: ConnectionOptions;
  #state: State = 'closed';
  #socket: Socket | null = null;
  #reader = new AnswerReader();
  /** Of the request under way. */
  number = 0;
  sentUs = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get free(): boolean {
    return this.#state === (this.#options.keepAlive ? 'idle' : 'closed');
  }

  get busy(): boolean {
    return this.#state === 'busy';
  }

  /** Keep-alive only. Free when it is open. */
  open(): void {
    if (this.#state !== 'closed') return;
    this.#state = 'opening';
    this.#connect();
  }

  /** Of a free one. */
  send(number: number, request: string): void {
    this.number = number;
    this.#state = 'busy';
    if (this.#socket === null) this.#connect();
    this.sentUs = nowUs();
    this.#socket?.write(request, 'latin1');
  }

  /** The request under way has taken too long. */
  timeOut(): void {
    if (this.#state === 'busy') this.#fail('timeout');
  }

  close(): void {
    this.#state = 'given-up';
    this.#socket?.destroy();
  }

  #connect(): void {
    const { address, port, from } = this.#options;
    const local = from === undefined ? {} : { localAddress: from };
    const socket = connect({ host: address, port, noDelay: true, ...local });
    this.#socket = socket;
    this.#reader = new AnswerReader();
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      if (this.#state !== 'opening') return;
      this.#state = 'idle';
      this.#options.onFree(this);
    });
    socket.on('data', (text: string) => this.#received(socket, this.#reader.push(text)));
    socket.on('end', () => this.#ended(socket));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed(socket));
  }

  #received(socket: Socket, answer: AnswerState): void {
    if (socket !== this.#socket || answer.kind === 'more') return;
    if (this.#state !== 'busy') {
      // Nobody asked: what follows would be taken for the next answer.
      socket.destroy();
      return;
    }
    if (answer.kind === 'bad') {
      this.#fail('connection');
      return;
    }
    const reusable = answer.reusable && this.#options.keepAlive;
    this.#state = reusable ? 'idle' : 'closing';
    this.#options.onOutcome(this, answer.status < LEAST_ERROR ? 'answered' : 'status');
    if (reusable) this.#options.onFree(this);
  }

  #ended(socket: Socket): void {
    if (socket !== this.#socket) return;
    if (this.#state === 'busy') this.#received(socket, this.#reader.end());
    socket.end();
  }

  #fail(outcome: Outcome): void {
    this.#state = 'closing';
    const socket = this.#socket;
    this.#options.onOutcome(this, outcome);
    socket?.destroy();
  }

  #closed(socket: Socket): void {
    if (socket !== this.#socket) return;
    this.#socket = null;
    switch (this.#state) {
      case 'given-up':
        return;
      case 'opening':
        this.#state = 'closed';
        afterMs(REOPEN_MS, () => this.open());
        return;
      case 'busy':
        this.#options.onOutcome(this, 'connection');
        break;
      case 'idle':
      case 'closing':
      case 'closed':
        break;
    }
    this.#state = 'closed';
    if (this.#options.keepAlive) this.open();
    else this.#options.onFree(this);
  }
}
