/**
 * What the connection manager changes in a request head before filters and routing see it (`envoy-reference.md` section 15):
 * hop-by-hop headers, client address, `x-forwarded-*`, `x-request-id`, `x-envoy-*` of strangers, `via`.
 *
 * One pass over the head finds what is there, so that a look-up is made only for what will be changed. Before routing, not
 * behind it as the reference's order reads: a route may match on headers that a stranger must not be able to set.
 */
import type { HeaderMap } from '../api/http.ts';
import type { Connection } from '../api/network.ts';
import type { StreamInfo } from '../api/observe.ts';
import { appendForwardedFor, isInternal, trustedAddress } from './client-address.ts';
import { hasToken, removeConnectionHeader } from './connection-header.ts';
import type { RequestIds } from './request-id.ts';
import type { HttpSettings } from './settings.ts';

/** Headers by which a client inside may steer the proxy; from outside they are taken away. */
const CONTROL_HEADERS = new Set(
  [
    'decorator-operation', 'downstream-service-cluster', 'downstream-service-node', 'expected-rq-timeout-ms',
    'external-address', 'force-trace', 'hedge-on-per-try-timeout', 'internal', 'ip-tags', 'is-timeout-retry',
    'max-retries', 'original-host', 'original-path', 'original-url', 'retriable-header-names',
    'retriable-status-codes', 'retry-grpc-on', 'retry-on', 'upstream-alt-stat-name',
    'upstream-rq-per-try-timeout-ms', 'upstream-rq-timeout-alt-response', 'upstream-rq-timeout-ms',
    'attempt-count',
  ].map((name) => `x-envoy-${name}`),
); // prettier-ignore

const CONNECTION = 1;
const HOP = 2;
const TE = 4;
const CONTROL = 8;
const FORWARDED_FOR = 16;
const FORWARDED_PROTO = 32;
const REQUEST_ID = 64;

export interface RequestMutationContext {
  readonly settings: HttpSettings;
  readonly connection: Connection;
  readonly info: StreamInfo;
  readonly protocol: string;
  readonly requestIds: RequestIds;
  readonly listenerPort: number;
}

/** True: the client asks for the connection to end behind this exchange. */
export function mutateRequest(headers: HeaderMap, context: RequestMutationContext): boolean {
  const found = look(headers);
  const close = takeHopByHop(headers, found, context.protocol);
  const forwarded = (found & FORWARDED_FOR) === 0 ? null : headers.getJoined('x-forwarded-for');
  const internal = noteClient(headers, found, forwarded, context);
  forward(headers, found, forwarded, internal, context);
  giveRequestId(headers, found, internal, context);
  return close;
}

function look(headers: HeaderMap): number {
  let found = 0;
  for (let index = 0; index < headers.size; index += 1) found |= kindOf(headers.nameAt(index));
  return found;
}

function kindOf(name: string): number {
  switch (name.charCodeAt(0)) {
    case 0x63: // c
      return name === 'connection' ? CONNECTION : 0;
    case 0x6b: // k
      return name === 'keep-alive' ? HOP : 0;
    case 0x70: // p
      return name === 'proxy-connection' ? HOP : 0;
    case 0x74: // t
      if (name === 'te') return TE;
      return name === 'transfer-encoding' ? HOP : 0;
    case 0x75: // u
      return name === 'upgrade' ? HOP : 0;
    case 0x78: // x
      return kindOfExtension(name);
    default:
      return 0;
  }
}

function kindOfExtension(name: string): number {
  if (name === 'x-forwarded-for') return FORWARDED_FOR;
  if (name === 'x-forwarded-proto') return FORWARDED_PROTO;
  if (name === 'x-request-id') return REQUEST_ID;
  return name.startsWith('x-envoy-') && CONTROL_HEADERS.has(name) ? CONTROL : 0;
}

/** The upgrade token itself lives in `headers.protocol`: the encoder writes the headers of its own connection from it. */
function takeHopByHop(headers: HeaderMap, found: number, protocol: string): boolean {
  let close = protocol === 'HTTP/1.0';
  if ((found & CONNECTION) !== 0) {
    const value = headers.getJoined('connection') ?? '';
    close = hasToken(value, 'close') || (close && !hasToken(value, 'keep-alive'));
    removeConnectionHeader(headers, value);
  }
  if ((found & HOP) !== 0) {
    headers.remove('keep-alive');
    headers.remove('proxy-connection');
    headers.remove('transfer-encoding');
    headers.remove('upgrade');
  }
  if ((found & TE) !== 0 && headers.getJoined('te')?.toLowerCase() !== 'trailers') headers.remove('te');
  return close;
}

function noteClient(
  headers: HeaderMap,
  found: number,
  forwarded: string | null,
  context: RequestMutationContext,
): boolean {
  const { settings, connection, info } = context;
  const peer = connection.remoteAddress;
  info.downstreamRemoteAddress = trustedAddress(forwarded, peer, settings);
  const internal = isInternal(forwarded, peer, settings);
  if (!internal && (found & CONTROL) !== 0) removeControlHeaders(headers);
  if (internal) headers.set('x-envoy-internal', 'true');
  else if (settings.useRemoteAddress && info.downstreamRemoteAddress.kind === 'ip') {
    headers.set('x-envoy-external-address', info.downstreamRemoteAddress.ip);
  }
  return internal;
}

function removeControlHeaders(headers: HeaderMap): void {
  for (let index = headers.size - 1; index >= 0; index -= 1) {
    if (index < headers.size && CONTROL_HEADERS.has(headers.nameAt(index))) {
      headers.remove(headers.nameAt(index));
    }
  }
}

function forward(
  headers: HeaderMap,
  found: number,
  forwarded: string | null,
  internal: boolean,
  context: RequestMutationContext,
): void {
  const { settings, connection } = context;
  const scheme = connection.secure ? 'https' : 'http';
  if (settings.useRemoteAddress && !settings.skipXffAppend) {
    appendForwardedFor(headers, forwarded, connection.remoteAddress);
  }
  const overwrite = settings.useRemoteAddress && settings.xffTrustedHops === 0;
  if (overwrite || (found & FORWARDED_PROTO) === 0) headers.set('x-forwarded-proto', scheme);
  if (settings.schemeOverwrite !== '') headers.scheme = settings.schemeOverwrite;
  else if (headers.scheme === '') headers.scheme = knownScheme(headers.get('x-forwarded-proto'), scheme);
  if (settings.appendXForwardedPort && (overwrite || !headers.has('x-forwarded-port'))) {
    headers.set('x-forwarded-port', String(context.listenerPort));
  }
  if (settings.via !== '') appendVia(headers, settings.via);
}

function knownScheme(forwarded: string | null, own: string): string {
  return forwarded === 'http' || forwarded === 'https' ? forwarded : own;
}

export function appendVia(headers: HeaderMap, via: string): void {
  const before = headers.getJoined('via');
  headers.set('via', before === null ? via : `${before}, ${via}`);
}

/** Made anew for requests from the edge, and wherever there is none. */
function giveRequestId(
  headers: HeaderMap,
  found: number,
  internal: boolean,
  context: RequestMutationContext,
): void {
  const { settings } = context;
  if (!settings.generateRequestId) return;
  const present = (found & REQUEST_ID) !== 0;
  const edge = settings.useRemoteAddress && !internal;
  if (!present || (edge && !settings.preserveExternalRequestId)) {
    headers.set('x-request-id', context.requestIds());
  }
}
