/**
 * The books of one pool: circuit breakers, cluster counters, host counters, always moved together. Shared by HTTP and TCP
 * pools. Invariant: every `open…`, `join…`, `begin…` has its counterpart, once.
 */
import type { Connection, ConnectionEvent } from '../../api/network.ts';
import { logger } from '../../base/logger.ts';
import type { ClusterBreakers } from '../breaker/circuit-breakers.ts';
import type { ClusterStats } from '../cluster-stats.ts';
import type { UpstreamHost } from '../host.ts';

const log = logger('pool');

export class PoolAccount {
  readonly host: UpstreamHost;
  readonly stats: ClusterStats;
  readonly breakers: ClusterBreakers;

  constructor(host: UpstreamHost, breakers: ClusterBreakers) {
    this.host = host;
    this.stats = host.cluster.counters;
    this.breakers = breakers;
  }

  openConnection(connection: Connection): void {
    if (log.debugOn) log.debug(`[C${connection.id}] creating a new connection to ${this.host.key}`);
    const { host, stats } = this;
    this.breakers.connections.inc();
    stats.cxTotal.inc();
    stats.cxActive.add(1);
    host.stats.cxTotal += 1;
    host.stats.cxActive += 1;
  }

  /** `carried`: a request was on it. `requests`: all that it ever carried. */
  closeConnection(
    connection: Connection,
    event: Exclude<ConnectionEvent, 'connected'>,
    carried: boolean,
    requests: number,
  ): void {
    const { stats } = this;
    const local = event === 'local-close';
    if (log.debugOn)
      log.debug(`[C${connection.id}] client disconnected (${event}) after ${requests} requests`);
    this.breakers.connections.dec();
    stats.cxActive.add(-1);
    this.host.stats.cxActive -= 1;
    stats.cxDestroy.inc();
    (local ? stats.cxDestroyLocal : stats.cxDestroyRemote).inc();
    if (carried) {
      stats.cxDestroyWithActiveRq.inc();
      (local ? stats.cxDestroyLocalWithActiveRq : stats.cxDestroyRemoteWithActiveRq).inc();
    }
    stats.cxLengthMs.record(connection.dispatcher.clock.now() - connection.createdAt);
    stats.rqPerCx.record(requests);
  }

  failConnect(): void {
    this.stats.cxConnectFail.inc();
    this.host.stats.cxConnectFail += 1;
  }

  /** The connection is up, TLS behind TCP included. */
  connected(connection: Connection): void {
    const upAt = Math.max(connection.connectedAt, connection.handshakeAt);
    this.stats.cxConnectMs.record(upAt - connection.createdAt);
  }

  /** `reused`: the connection had carried a request before. */
  beginRequest(connection: Connection, reused: boolean): void {
    if (log.debugOn)
      log.debug(
        `[C${connection.id}] ${reused ? 'using existing' : 'using a fully connected new'} connection`,
      );
    const { host, stats } = this;
    this.breakers.requests.inc();
    stats.rqTotal.inc();
    stats.rqActive.add(1);
    host.activeRequests += 1;
    host.stats.rqTotal += 1;
    host.stats.rqActive += 1;
  }

  completeResponse(connection: Connection): void {
    if (log.debugOn) log.debug(`[C${connection.id}] response complete`);
  }

  endRequest(): void {
    const { host } = this;
    this.breakers.requests.dec();
    this.stats.rqActive.add(-1);
    host.activeRequests -= 1;
    host.stats.rqActive -= 1;
  }

  joinLine(): void {
    if (log.debugOn) log.debug(`queueing stream due to no available connections to ${this.host.key}`);
    this.breakers.pendingRequests.inc();
    this.stats.rqPendingTotal.inc();
    this.stats.rqPendingActive.add(1);
  }

  leaveLine(): void {
    this.breakers.pendingRequests.dec();
    this.stats.rqPendingActive.add(-1);
  }
}
