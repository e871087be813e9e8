/**
 * The plug-ins that this build has, by kind. A configuration names one by its message type; adding a plug-in is adding its folder
 * and a line here. Nothing in front of this folder on the import ladder knows any of them.
 */
import type { HttpFilterFactory } from '../api/http.ts';
import type { NetworkFilterFactory } from '../api/network.ts';
import { logger } from '../base/logger.ts';
import type { ComponentLogger } from '../base/logger.ts';
import { compileRouteTable } from '../router/route-table.ts';
import { BUFFER_FILTER } from './http/buffer.ts';
import { FAULT_FILTER } from './http/fault.ts';
import { JavaScriptFilterFactory } from './http/javascript.ts';
import type { ScriptLogLevel } from './http/javascript/script.ts';
import { ROUTER_FILTER } from './http/router.ts';
import { echoFactory } from './network/echo.ts';
import { HttpConnectionManagerFactory } from './network/http-connection-manager.ts';
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
  }),
];

function scriptLog(log: ComponentLogger, level: ScriptLogLevel, message: string): void {
  if (level === 'warn') log.warning(message);
  else log[level](message);
}
