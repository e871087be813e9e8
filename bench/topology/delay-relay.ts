/**
 * A slow link in user space, where the kernel has no netem: accepts connections, opens one to the target for each, and passes every
 * piece of bytes on `delayMs` after it came, in either direction.
 *
 *   socket -- data --> #line (first in, first out: all delays are equal) -- alarm --> other socket
 *
 * It emulates latency of data, nothing else: a connection is accepted at once (no delayed handshake), nothing is lost, and the rate
 * is what this process can copy. What is under way is bounded for each direction of a connection: beyond it reading pauses.
 */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Alarm, nowUs } from '../harness/open-loop-alarm.ts';
import type { Endpoint } from './proxy-config.ts';

/** Bytes on the link per direction of a connection, as a long fat pipe would hold (1 GBit/s for 33 ms). */
const MOST_UNDER_WAY = 4 * 1024 * 1024;
/** Entries that were passed on are thrown away in one go. */
const COMPACT_AT = 1024;

interface Direction {
  readonly from: Socket;
  readonly to: Socket;
  underWay: number;
}

interface Parcel {
  readonly dueUs: number;
  readonly direction: Direction;
  /** Null: the end of the stream. */
  readonly bytes: Buffer | null;
}

export interface RelayRoute {
  readonly listen: Endpoint;
  readonly target: Endpoint;
}

export class DelayRelay {
  readonly #delayUs: number;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #line: Parcel[] = [];
  #head = 0;
  #alarm: Alarm | null = null;

  private constructor(delayMs: number) {
    this.#delayUs = delayMs * 1000;
  }

  static async listen(delayMs: number, routes: readonly RelayRoute[]): Promise<DelayRelay> {
    const relay = new DelayRelay(delayMs);
    relay.#alarm = await Alarm.start(() => relay.#deliver());
    for (const { listen, target } of routes) relay.#servers.push(await relay.#serve(listen, target));
    return relay;
  }

  get ports(): number[] {
    return this.#servers.map((server) => (server.address() as AddressInfo).port);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
    await this.#alarm?.stop();
  }

  #serve({ address, port }: Endpoint, target: Endpoint): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (downstream) => {
      const upstream = connect({
        host: target.address,
        port: target.port,
        allowHalfOpen: true,
        noDelay: true,
      });
      this.#join(downstream, upstream);
      this.#join(upstream, downstream);
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject).listen({ host: address, port, backlog: 4096 }, () => resolve(server));
    });
  }

  #join(from: Socket, to: Socket): void {
    const direction: Direction = { from, to, underWay: 0 };
    this.#sockets.add(from);
    from.on('data', (bytes: Buffer) => {
      direction.underWay += bytes.length;
      if (direction.underWay > MOST_UNDER_WAY) from.pause();
      this.#send({ dueUs: nowUs() + this.#delayUs, direction, bytes });
    });
    from.on('end', () => this.#send({ dueUs: nowUs() + this.#delayUs, direction, bytes: null }));
    from.on('error', () => undefined);
    from.on('close', (failed: boolean) => {
      this.#sockets.delete(from);
      // A reset is passed on at once: what was under way is lost with it, as it may be on a link.
      if (failed) to.destroy();
    });
  }

  #send(parcel: Parcel): void {
    this.#line.push(parcel);
    if (this.#line.length === this.#head + 1) this.#alarm?.set(parcel.dueUs);
  }

  #deliver(): void {
    for (;;) {
      const parcel = this.#line[this.#head];
      if (parcel === undefined) break;
      if (parcel.dueUs > nowUs()) {
        this.#alarm?.set(parcel.dueUs);
        break;
      }
      this.#head += 1;
      arrive(parcel);
    }
    if (this.#head < COMPACT_AT && this.#head < this.#line.length) return;
    this.#line = this.#line.slice(this.#head);
    this.#head = 0;
  }
}

function arrive({ direction, bytes }: Parcel): void {
  const { from, to } = direction;
  if (to.destroyed) return;
  if (bytes === null) {
    to.end();
    return;
  }
  to.write(bytes, () => {
    direction.underWay -= bytes.length;
    if (direction.underWay <= MOST_UNDER_WAY / 2 && from.isPaused()) from.resume();
  });
}
