/**
 * Limits of open downstream connections as Envoy has them configured: the overload manager's resource monitor or the runtime key
 * `overload.global_downstream_max_connections` for the process, `envoy.resource_limits.listener.<name>.connection_limit` for a
 * listener. Keys of a static layer may be dotted or nested, later layers win.
 */
import type { Bootstrap, DownstreamConnectionsConfig, Listener } from '../api/envoy.ts';
import type { ConnectionLimits } from '../api/server.ts';

const MONITOR = 'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig';
const GLOBAL_KEY = 'overload.global_downstream_max_connections';

export function connectionLimitsOf(bootstrap: Bootstrap, listeners: readonly Listener[]): ConnectionLimits {
  const keys = new Map<string, unknown>();
  for (const layer of bootstrap.layered_runtime?.layers ?? []) flatten(layer.static_layer ?? {}, '', keys);
  const byListener: Record<string, number> = {};
  for (const { name = '' } of listeners) {
    const limit = numberOf(keys.get(`envoy.resource_limits.listener.${name}.connection_limit`));
    if (limit !== undefined) byListener[name] = limit;
  }
  const total = monitorLimit(bootstrap) ?? numberOf(keys.get(GLOBAL_KEY));
  return total === undefined ? { listeners: byListener } : { total, listeners: byListener };
}

function monitorLimit(bootstrap: Bootstrap): number | undefined {
  for (const { typed_config: config } of bootstrap.overload_manager?.resource_monitors ?? []) {
    if (config?.['@type'] !== MONITOR) continue;
    return (config as DownstreamConnectionsConfig).max_active_downstream_connections;
  }
  return undefined;
}

function flatten(value: object, prefix: string, into: Map<string, unknown>): void {
  for (const [key, each] of Object.entries(value) as [string, unknown][]) {
    if (typeof each === 'object' && each !== null) flatten(each, `${prefix}${key}.`, into);
    else into.set(prefix + key, each);
  }
}

/** Numbers of a Struct may be written as text. */
function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : undefined;
}
