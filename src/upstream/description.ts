/**
 * What a worker has of a cluster, as plain data: hosts with their numbers, pools with their connections. Made for `/clusters`
 * and `/pools`, where main puts the workers' answers together.
 */
import type { Connection } from '../api/network.ts';
import type { HostStats } from '../api/upstream.ts';
import type { WorkerCluster } from './cluster.ts';
import type { UpstreamHost } from './host.ts';
import { Http1Pool } from './pool/http-pool.ts';
import type { FreshTcpPool } from './pool/tcp-pool.ts';

export interface ClusterDescription {
  readonly name: string;
  readonly observabilityName: string;
  readonly version: number;
  readonly hosts: readonly HostDescription[];
}

export interface HostDescription {
  readonly address: string;
  readonly hostname: string;
  readonly weight: number;
  readonly priority: number;
  readonly healthFlags: string;
  readonly activeRequests: number;
  /** No more in the cluster, still finishing. */
  readonly leaving: boolean;
  readonly stats: HostStats;
  readonly pools: readonly PoolDescription[];
}

export interface PoolDescription {
  readonly protocol: 'http1' | 'tcp';
  readonly priority: 'default' | 'high';
  readonly pending: number;
  readonly connections: readonly ConnectionDescription[];
}

export interface ConnectionDescription {
  readonly id: number;
  readonly state: string;
  readonly requests: number;
  /** ms since it was begun. */
  readonly age: number;
}

export function describeCluster(cluster: WorkerCluster): ClusterDescription {
  const here = cluster.hosts.map((host) => describeHost(host, false));
  const leaving = Array.from(cluster.leaving, (host) => describeHost(host, true));
  return {
    name: cluster.info.name,
    observabilityName: cluster.info.observabilityName,
    version: cluster.version,
    hosts: [...here, ...leaving],
  };
}

function describeHost(host: UpstreamHost, leaving: boolean): HostDescription {
  const { key, hostname, weight, priority, healthFlags, activeRequests, stats, pools } = host;
  const { cxActive, cxConnectFail, cxTotal, rqActive, rqError, rqSuccess, rqTimeout, rqTotal } = stats;
  return {
    address: key,
    hostname,
    weight,
    priority,
    healthFlags,
    activeRequests,
    leaving,
    stats: { cxActive, cxConnectFail, cxTotal, rqActive, rqError, rqSuccess, rqTimeout, rqTotal },
    pools: pools.made.map((pool) => describePool(pool, pools.isHigh(pool))),
  };
}

interface PoolMember {
  readonly connection: Connection;
  readonly state: string;
  readonly requests: number;
}

function describePool(pool: Http1Pool | FreshTcpPool, high: boolean): PoolDescription {
  const members: Iterable<PoolMember> = pool.connections;
  return {
    protocol: pool instanceof Http1Pool ? 'http1' : 'tcp',
    priority: high ? 'high' : 'default',
    pending: pool.pending,
    connections: Array.from(members, ({ connection, state, requests }) => ({
      id: connection.id,
      state,
      requests,
      age: connection.dispatcher.clock.now() - connection.createdAt,
    })),
  };
}
