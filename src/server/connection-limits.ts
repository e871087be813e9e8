/**
 * Limits of open downstream connections as Envoy has them configured: the overload manager's resource monitor or the runtime key
 * `overload.global_downstream_max_connections` for the process, `envoy.resource_limits.listener.<name>.connection_limit` for a
 * listener.
 */
import type { Bootstrap, DownstreamConnectionsConfig, Listener } from '../api/envoy.ts';
import type { ConnectionLimits } from '../api/server.ts';
import { RuntimeKeys } from './runtime-keys.ts';

const MONITOR = 'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig';
const GLOBAL_KEY = 'overload.global_downstream_max_connections';

export function connectionLimitsOf(bootstrap: Bootstrap, listeners: readonly Listener[]): ConnectionLimits {
  const keys = new RuntimeKeys(bootstrap);
  const byListener: Record<string, number> = {};
  for (const { name = '' } of listeners) {
    const limit = keys.number(`envoy.resource_limits.listener.${name}.connection_limit`);
    if (limit !== undefined) byListener[name] = limit;
  }
  const total = monitorLimit(bootstrap) ?? keys.number(GLOBAL_KEY);
  return total === undefined ? { listeners: byListener } : { total, listeners: byListener };
}

function monitorLimit(bootstrap: Bootstrap): number | undefined {
  for (const { typed_config: config } of bootstrap.overload_manager?.resource_monitors ?? []) {
    if (config?.['@type'] !== MONITOR) continue;
    return (config as DownstreamConnectionsConfig).max_active_downstream_connections;
  }
  return undefined;
}
