/** The factory of `envoy.filters.network.tcp_proxy`. */
import type { TcpProxy } from '../../../api/envoy.ts';
import type { NetworkFilterFactory } from '../../../api/network.ts';
import { TcpProxySettings } from './settings.ts';
import { TcpSession } from './tcp-session.ts';

export const tcpProxyFactory: NetworkFilterFactory = {
  typeUrl: 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  terminal: true,
  prepare(config, context) {
    const settings = new TcpProxySettings(config as TcpProxy, context);
    return () => new TcpSession(settings);
  },
};
