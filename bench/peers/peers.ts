/** Who is compared: by the name that `--contenders` takes, as an HTTP proxy and where it is one, as a TCP proxy. */
import type { Contender } from '../contenders/contender.ts';
import { ENVOY, ENVOY_TCP } from '../contenders/envoy.ts';
import { FAST_PROXY, FASTIFY_HTTP_PROXY, HTTP_PROXY_3 } from '../contenders/gateways.ts';
import { HAPROXY, HAPROXY_TCP } from '../contenders/haproxy.ts';
import { NGINX, NGINX_STREAM } from '../contenders/nginx.ts';
import { NODEPROXY_FULL, NODEPROXY_PLAIN, NODEPROXY_TCP } from '../contenders/nodeproxy.ts';

export interface Peer {
  readonly id: string;
  readonly http?: Contender;
  readonly tcp?: Contender;
}

export const PEERS: readonly Peer[] = [
  { id: 'nodeproxy', http: NODEPROXY_PLAIN, tcp: NODEPROXY_TCP },
  { id: 'nodeproxy-full', http: NODEPROXY_FULL },
  { id: 'nginx', http: NGINX, tcp: NGINX_STREAM },
  { id: 'haproxy', http: HAPROXY, tcp: HAPROXY_TCP },
  { id: 'envoy', http: ENVOY, tcp: ENVOY_TCP },
  { id: 'http-proxy-3', http: HTTP_PROXY_3 },
  { id: 'fastify-http-proxy', http: FASTIFY_HTTP_PROXY },
  { id: 'fast-proxy', http: FAST_PROXY },
];

/** What the others are divided by; nginx's stream module is rarely installed. */
export const REFERENCE = { http: NGINX, tcp: HAPROXY_TCP } as const;
