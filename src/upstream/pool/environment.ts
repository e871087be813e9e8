/** What the pools of a worker are made with: where connections and codecs come from. Injected, so tests need no socket. */
import type { ClientCodec } from '../../api/http.ts';
import type { Connection } from '../../api/network.ts';
import type { Address } from '../../api/socket.ts';
import type { Dispatcher } from '../../api/event.ts';
import type { ClusterSettings } from '../cluster-settings.ts';
import type { UpstreamHost } from '../host.ts';

export interface ConnectRequest {
  readonly to: Address;
  readonly from?: Address;
  readonly bufferLimitBytes: number;
}

export interface PoolEnvironment {
  readonly dispatcher: Dispatcher;
  /** In state `connecting`; the outcome comes as an event, never from within this call. */
  readonly connect: (request: ConnectRequest) => Connection;
  readonly codec: (connection: Connection, cluster: ClusterSettings) => ClientCodec;
}

/** The same for each connection of a host. */
export function connectRequestOf(host: UpstreamHost): ConnectRequest {
  const { from, bufferLimitBytes } = host.cluster;
  const to = host.address;
  if (from === null || to.kind === 'pipe') return { to, bufferLimitBytes };
  return { to, from, bufferLimitBytes };
}

/** Begins to connect. The cluster's network filters stand in front of what the pool adds. */
export function connectTo(
  environment: PoolEnvironment,
  request: ConnectRequest,
  settings: ClusterSettings,
): Connection {
  const connection = environment.connect(request);
  for (const make of settings.filters) connection.addReadFilter(make());
  return connection;
}

/** Options of a socket that has just come up. A unix socket has none of them. */
export function prepareSocket(connection: Connection, settings: ClusterSettings): void {
  if (connection.remoteAddress.kind !== 'ip') return;
  connection.setNoDelay(true);
  const { keepAlive } = settings;
  if (keepAlive === null) return;
  connection.setKeepAlive(keepAlive.probes, keepAlive.idleSeconds, keepAlive.intervalSeconds);
}
