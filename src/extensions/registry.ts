/**
 * The plug-ins that this build has, by kind. A configuration names one by its message type; adding a plug-in is adding its folder
 * and a line here. Nothing in front of this folder on the import ladder knows any of them.
 */
import type { HttpFilterFactory } from '../api/http.ts';
import type { Cluster } from '../api/envoy.ts';
import type {
  NetworkFilterFactory,
  ReadFilter,
  UpstreamFilterContext,
  UpstreamFilterFactory,
} from '../api/network.ts';
import { logger } from '../base/logger.ts';
import type { ComponentLogger } from '../base/logger.ts';
import { compileRouteTable, openRouteTable } from '../router/route-table.ts';
import { BUFFER_FILTER } from './http/buffer.ts';
import { FAULT_FILTER } from './http/fault.ts';
import { JavaScriptFilterFactory } from './http/javascript.ts';
import type { ScriptLogLevel } from './http/javascript/script.ts';
import { ROUTER_FILTER } from './http/router.ts';
import { echoFactory } from './network/echo.ts';
import { HttpConnectionManagerFactory } from './network/http-connection-manager.ts';
import { tapFactory } from './network/tap.ts';
import { tcpProxyFactory } from './network/tcp-proxy/tcp-proxy.ts';

export const HTTP_FILTERS: readonly HttpFilterFactory[] = [
  BUFFER_FILTER,
  FAULT_FILTER,
  new JavaScriptFilterFactory((level, message) => scriptLog(logger('filter'), level, message)),
  ROUTER_FILTER,
];

export const NETWORK_FILTERS: readonly NetworkFilterFactory[] = [
  echoFactory,
  tcpProxyFactory,
  new HttpConnectionManagerFactory({
    httpFilter: (typeUrl) => HTTP_FILTERS.find((factory) => factory.typeUrl === typeUrl),
    compileRoutes: (config) => compileRouteTable(config),
    openRoutes: (snapshot, name, inflated) => openRouteTable(snapshot, name, inflated),
  }),
];

/** Of upstream connections. */
const UPSTREAM_FILTERS: readonly UpstreamFilterFactory[] = [tapFactory];

/** What makes the network filters of a cluster's connections, in order. */
export function prepareUpstreamFilters(
  config: Cluster,
  context: UpstreamFilterContext,
): readonly (() => ReadFilter)[] {
  return (config.filters ?? []).map(({ name = '', typed_config: typed }) => {
    const factory = UPSTREAM_FILTERS.find(({ typeUrl }) => typeUrl === typed?.['@type']);
    if (factory === undefined) throw new Error(`cluster ${context.cluster}: no upstream filter ${name}`);
    return factory.prepare(typed, context);
  });
}

function scriptLog(log: ComponentLogger, level: ScriptLogLevel, message: string): void {
  if (level === 'warn') log.warning(message);
  else log[level](message);
}
