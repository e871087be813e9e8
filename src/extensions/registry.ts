/**
 * The plug-ins that this build has, by kind. A configuration names one by its message type; adding a plug-in is adding its folder
 * and a line here. Nothing in front of this folder on the import ladder knows any of them.
 */
import type { HttpFilterFactory } from '../api/http.ts';
import type { NetworkFilterFactory } from '../api/network.ts';
import { compileRouteTable } from '../router/route-table.ts';
import { ROUTER_FILTER } from './http/router.ts';
import { echoFactory } from './network/echo.ts';
import { HttpConnectionManagerFactory } from './network/http-connection-manager.ts';
import { tcpProxyFactory } from './network/tcp-proxy/tcp-proxy.ts';

export const HTTP_FILTERS: readonly HttpFilterFactory[] = [ROUTER_FILTER];

const httpFilters = new Map(HTTP_FILTERS.map((factory) => [factory.typeUrl, factory]));

const httpConnectionManager = new HttpConnectionManagerFactory({
  httpFilter: (typeUrl) => httpFilters.get(typeUrl),
  compileRoutes: (config) => compileRouteTable(config),
});

export const NETWORK_FILTERS: readonly NetworkFilterFactory[] = [
  echoFactory,
  tcpProxyFactory,
  httpConnectionManager,
];
