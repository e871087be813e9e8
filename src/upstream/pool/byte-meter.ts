/**
 * Carries a connection's own byte counts over to the cluster's, by difference, whenever something happens on it. So long
 * transfers show while they run, and a write costs nothing.
 */
import type { Connection } from '../../api/network.ts';
import type { ClusterStats } from '../cluster-stats.ts';

export class ByteMeter {
  readonly #connection: Connection;
  readonly #stats: ClusterStats;
  #received = 0;
  #sent = 0;

  constructor(connection: Connection, stats: ClusterStats) {
    this.#connection = connection;
    this.#stats = stats;
  }

  update(): void {
    const { bytesReceived, bytesSent } = this.#connection;
    if (bytesReceived !== this.#received) {
      this.#stats.cxRxBytes.add(bytesReceived - this.#received);
      this.#received = bytesReceived;
    }
    if (bytesSent !== this.#sent) {
      this.#stats.cxTxBytes.add(bytesSent - this.#sent);
      this.#sent = bytesSent;
    }
  }
}
