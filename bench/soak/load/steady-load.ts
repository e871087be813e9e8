/**
 * Good traffic at a fixed rate (open loop) over a few connections. Latency counts from when a request was due, so a proxy that keeps
 * the client waiting does not hide it (coordinated omission).
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { SystemClock } from '../../../src/base/clock.ts';
import { percentile } from '../../harness/statistics.ts';
import { HttpReader, statusOf } from './http-reader.ts';
import { onParent, optionsOfParent, tellParent } from './parent.ts';

export interface SteadyLoadOptions {
  readonly port: number;
  readonly perSecond: number;
  readonly connections: number;
}

export interface SteadyCounts {
  readonly requests: number;
  /** Anything but 200, and connections that broke. */
  readonly failures: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const TICK_MS = 2;
/** For those under way when a measurement ends: late is not failed, their latency says how late. */
const GRACE_MS = 20_000;
const LOOK_MS = 50;

const options = optionsOfParent() as SteadyLoadOptions;
const clock = new SystemClock();
let latencies: number[] = [];
let failures = 0;

class Client {
  #socket: Socket | null = null;
  readonly #due: number[] = [];

  ask(dueAt: number): void {
    const socket = this.#socket ?? this.#open();
    this.#due.push(dueAt);
    socket.write('GET /good HTTP/1.1\r\nhost: soak\r\n\r\n');
  }

  #open(): Socket {
    const socket = connect(options.port, '127.0.0.1');
    const reader = new HttpReader();
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1').on('error', () => undefined);
    socket.on('data', (text: string) => {
      reader.push(text);
      for (let message = reader.next(); message !== null; message = reader.next()) {
        const dueAt = this.#due.shift() ?? Number.NaN;
        latencies.push(clock.now() - dueAt);
        if (statusOf(message.head) !== 200) failures += 1;
      }
    });
    socket.on('close', () => {
      failures += this.#due.length;
      this.#due.length = 0;
      this.#socket = null;
    });
    return socket;
  }

  get waiting(): number {
    return this.#due.length;
  }
}

const clients = Array.from({ length: options.connections }, () => new Client());
let ticker: NodeJS.Timeout | null = null;

function begin(): void {
  latencies = [];
  failures = 0;
  const started = clock.now();
  const intervalMs = 1000 / options.perSecond;
  let asked = 0;
  ticker = setInterval(() => {
    const now = clock.now();
    for (; started + asked * intervalMs <= now; asked += 1)
      clients[asked % clients.length]?.ask(started + asked * intervalMs);
  }, TICK_MS);
}

function end(): void {
  if (ticker !== null) clearInterval(ticker);
  const lookedFrom = clock.now();
  const look = setInterval(() => {
    const waiting = clients.reduce((sum, client) => sum + client.waiting, 0);
    if (waiting > 0 && clock.now() - lookedFrom < GRACE_MS) return;
    clearInterval(look);
    // What has no answer by now has failed.
    const counts: SteadyCounts = {
      requests: latencies.length + waiting,
      failures: failures + waiting,
      p50Ms: percentile(latencies, 50),
      p99Ms: percentile(latencies, 99),
      maxMs: percentile(latencies, 100),
    };
    tellParent({ kind: 'measured', counts });
  }, LOOK_MS);
}

tellParent({ kind: 'ready' });
onParent(({ kind }) => {
  if (kind === 'begin') begin();
  if (kind === 'end') end();
});
