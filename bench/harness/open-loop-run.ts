/**
 * One load of the open loop. The timetable is arithmetic (`start + number * interval`), so nothing is queued however far the answers
 * fall behind: `#next` is the first request that has not gone out; it goes as soon as its time has come and a connection is free.
 *
 *   alarm, answer, new connection -> #send: while the next one is due and a connection is free
 */
import { afterMs } from '../../src/base/clock.ts';
import { Alarm, nowUs } from './open-loop-alarm.ts';
import { OpenLoopConnection } from './open-loop-connection.ts';
import type { Outcome } from './open-loop-connection.ts';
import { FAILED, packed, requestId } from './open-loop.ts';
import type { OpenLoopAnswer, OpenLoopLoad } from './open-loop.ts';

const US_PER_SECOND = 1e6;
/** From `go` to the first place of the timetable: all clients of a run have read their `go` by then. */
const LEAD_US = 20_000;
const SWEEP_MS = 100;
const OPEN_LIMIT_MS = 10_000;
const MOST_REQUESTS = 20_000_000;

export class OpenLoop {
  readonly #load: OpenLoopLoad;
  readonly #connections: OpenLoopConnection[];
  /** First in, first out: all connections get their turn. */
  readonly #free: OpenLoopConnection[] = [];
  readonly #failures = { status: 0, connection: 0, timeouts: 0 };
  readonly #latencies: Uint32Array;
  readonly #lags: Uint32Array;
  readonly #intervalUs: number;
  readonly #requestHead: string;
  readonly #requestTail: string;
  #alarm: Alarm | null = null;
  #state: 'opening' | 'running' | 'done' = 'opening';
  #startUs = 0;
  #next = 0;
  #settled = 0;
  #lastUs = 0;
  #finished: () => void = () => undefined;

  private constructor(load: OpenLoopLoad) {
    const requests = Math.round(load.rate * load.seconds);
    if (!(requests > 0 && requests <= MOST_REQUESTS)) throw new RangeError(`${requests} requests`);
    this.#load = load;
    this.#latencies = new Uint32Array(requests).fill(FAILED);
    this.#lags = new Uint32Array(requests).fill(FAILED);
    this.#intervalUs = US_PER_SECOND / load.rate;
    this.#requestHead = `GET ${load.path} HTTP/1.1\r\nhost: ${load.host}\r\nx-request-id: `;
    this.#requestTail = load.keepAlive ? '\r\n\r\n' : '\r\nconnection: close\r\n\r\n';
    const options = {
      address: load.address,
      port: load.port,
      ...(load.from === undefined ? {} : { from: load.from }),
      keepAlive: load.keepAlive,
      onOutcome: (connection: OpenLoopConnection, outcome: Outcome) => this.#settle(connection, outcome),
      onFree: (connection: OpenLoopConnection) => this.#freed(connection),
    };
    this.#connections = Array.from({ length: load.connections }, () => new OpenLoopConnection(options));
  }

  /** Resolves when the connections are open. @throws where they are not after ten seconds. */
  static async open(load: OpenLoopLoad): Promise<OpenLoop> {
    const loop = new OpenLoop(load);
    loop.#alarm = await Alarm.start(() => loop.#send());
    if (!load.keepAlive) {
      loop.#free.push(...loop.#connections);
      return loop;
    }
    for (const connection of loop.#connections) connection.open();
    const began = nowUs();
    while (loop.#free.length < load.connections) {
      if (nowUs() - began > OPEN_LIMIT_MS * 1000) {
        loop.close();
        throw new Error(`${load.address}:${load.port} takes no connections`);
      }
      await new Promise<void>((resolve) => {
        afterMs(1, resolve);
      });
    }
    return loop;
  }

  async run(): Promise<OpenLoopAnswer> {
    const before = process.cpuUsage();
    this.#startUs = nowUs() + LEAD_US + this.#load.phase * this.#intervalUs;
    this.#state = 'running';
    const sweep = setInterval(() => this.#sweep(), SWEEP_MS);
    await new Promise<void>((resolve) => {
      this.#finished = resolve;
      this.#send();
    });
    clearInterval(sweep);
    const { user, system } = process.cpuUsage(before);
    this.close();
    return {
      failures: this.#failures,
      seconds: Math.max(this.#load.seconds, (this.#lastUs - this.#startUs) / US_PER_SECOND),
      cpuSeconds: (user + system) / US_PER_SECOND,
      latencies: packed(this.#latencies),
      lags: packed(this.#lags),
    };
  }

  close(): void {
    this.#state = 'done';
    void this.#alarm?.stop();
    for (const connection of this.#connections) connection.close();
  }

  #send(): void {
    if (this.#state !== 'running') return;
    const requests = this.#latencies.length;
    while (this.#next < requests) {
      const dueUs = this.#startUs + this.#next * this.#intervalUs;
      if (dueUs > nowUs()) {
        this.#alarm?.set(dueUs);
        return;
      }
      const connection = this.#free.shift();
      if (connection === undefined) return;
      // It was closed while it stood in the line, and will come again when it is open.
      if (!connection.free) continue;
      const id = requestId(this.#load.idPrefix, this.#next);
      connection.send(this.#next, this.#requestHead + id + this.#requestTail);
      this.#lags[this.#next] = lengthOf(connection.sentUs - dueUs);
      this.#next += 1;
    }
  }

  #freed(connection: OpenLoopConnection): void {
    this.#free.push(connection);
    this.#send();
  }

  #settle({ number }: OpenLoopConnection, outcome: Outcome): void {
    if (this.#state !== 'running') return;
    const now = nowUs();
    this.#lastUs = now;
    this.#settled += 1;
    if (outcome === 'answered')
      this.#latencies[number] = lengthOf(now - this.#startUs - number * this.#intervalUs);
    else if (outcome === 'timeout') this.#failures.timeouts += 1;
    else this.#failures[outcome] += 1;
    if (this.#settled === this.#latencies.length) this.#finished();
  }

  /** What has been waiting for too long is given up, on the wire as in the line. */
  #sweep(): void {
    const now = nowUs();
    const mostUs = this.#load.timeoutMs * 1000;
    for (const connection of this.#connections)
      if (connection.busy && now - connection.sentUs > mostUs) connection.timeOut();
    for (; this.#state === 'running' && this.#next < this.#latencies.length; this.#next += 1) {
      if (now - this.#startUs - this.#next * this.#intervalUs <= mostUs) return;
      this.#failures.timeouts += 1;
      this.#settled += 1;
      this.#lastUs = now;
    }
    if (this.#settled === this.#latencies.length) this.#finished();
  }
}

function lengthOf(us: number): number {
  return Math.min(FAILED - 1, Math.max(0, Math.round(us)));
}
