/**
 * The statistics `downstream_cx_*` of one connection: opened when made, closed exactly once.
 */
import type { Connection } from '../api/network.ts';
import type { ConnectionCounters } from './http-stats.ts';

export class ConnectionAccount {
  readonly #connection: Connection;
  readonly #counters: ConnectionCounters;
  #read = 0;
  #written = 0;

  constructor(connection: Connection, counters: ConnectionCounters) {
    this.#connection = connection;
    this.#counters = counters;
    counters.total.inc();
    counters.active.add(1);
    counters.http1Total.inc();
    counters.http1Active.add(1);
    if (connection.secure) {
      counters.sslTotal.inc();
      counters.sslActive.add(1);
    }
  }

  countRead(): void {
    const { bytesReceived } = this.#connection;
    this.#counters.rxBytes.add(bytesReceived - this.#read);
    this.#read = bytesReceived;
  }

  countWritten(): void {
    const { bytesSent } = this.#connection;
    if (bytesSent === this.#written) return;
    this.#counters.txBytes.add(bytesSent - this.#written);
    this.#written = bytesSent;
  }

  close(by: 'remote' | 'local', busy: boolean): void {
    const counters = this.#counters;
    this.countWritten();
    counters.active.add(-1);
    counters.http1Active.add(-1);
    if (this.#connection.secure) counters.sslActive.add(-1);
    counters.lengthMs.record(this.#connection.dispatcher.clock.now() - this.#connection.createdAt);
    counters.destroy.inc();
    if (by === 'remote') counters.destroyRemote.inc();
    else counters.destroyLocal.inc();
    if (this.#connection.closeReason === 'triggered_delayed_close_timeout')
      counters.delayedCloseTimeout.inc();
    if (!busy) return;
    counters.destroyActiveRq.inc();
    if (by === 'remote') counters.destroyRemoteActiveRq.inc();
    else counters.destroyLocalActiveRq.inc();
  }
}
