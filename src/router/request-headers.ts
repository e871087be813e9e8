/**
 * The request head on its way upstream: header changes of the route, host and path rewrites, the router's own headers.
 *
 * `finalizeRequest` runs once, before the first attempt; `stampAttempt` before each. The order is Envoy's: header changes see
 * host and path as the client sent them.
 */
import type { HeaderMap } from '../api/http.ts';
import type { StreamInfo } from '../api/observe.ts';
import type { ForwardRoute, TimeLimits } from './route.ts';
import type { HeaderMutation } from './header-mutation.ts';

export function finalizeRequest(
  headers: HeaderMap,
  route: ForwardRoute,
  info: StreamInfo,
  suppressHeaders: boolean,
): void {
  if (route.requestMutations.length > 0) mutateRequest(headers, route.requestMutations, info);
  if (route.hostRewrite.kind !== 'none') rewriteHost(headers, route);
  if (route.pathRewrite !== null) {
    const before = headers.path;
    const rewritten = route.pathRewrite.rewrite(before);
    // A substitution may leave nothing in front of the query: a target begins with a slash.
    headers.path = rewritten.startsWith('/') ? rewritten : `/${rewritten}`;
    if (!suppressHeaders) headers.set('x-envoy-original-path', before);
  }
}

function mutateRequest(headers: HeaderMap, mutations: readonly HeaderMutation[], info: StreamInfo): void {
  const context = { info, request: headers, response: null, trailers: null, logType: '' };
  for (const mutation of mutations) mutation.apply(headers, context);
}

export function mutateResponse(
  response: HeaderMap,
  request: HeaderMap | null,
  mutations: readonly HeaderMutation[],
  info: StreamInfo,
): void {
  if (mutations.length === 0) return;
  const context = { info, request, response, trailers: null, logType: '' };
  for (const mutation of mutations) mutation.apply(response, context);
}

/** `auto` waits for the host: `renameHost` does it. */
function rewriteHost(headers: HeaderMap, route: ForwardRoute): void {
  const { hostRewrite } = route;
  switch (hostRewrite.kind) {
    case 'literal':
      renameHost(headers, hostRewrite.host, route.appendForwardedHost);
      return;
    case 'header': {
      const host = headers.get(hostRewrite.name);
      if (host !== null && host !== '') renameHost(headers, host, route.appendForwardedHost);
      return;
    }
    case 'path-regex': {
      const query = headers.path.indexOf('?');
      const path = query === -1 ? headers.path : headers.path.slice(0, query);
      renameHost(headers, hostRewrite.rewrite.replaceIn(path), route.appendForwardedHost);
      return;
    }
    case 'none':
    case 'auto':
  }
}

export function renameHost(headers: HeaderMap, host: string, appendForwardedHost: boolean): void {
  if (appendForwardedHost && headers.authority !== '') {
    const before = headers.getJoined('x-forwarded-host');
    const last = before?.slice(before.lastIndexOf(',') + 1).trim();
    if (last !== headers.authority) {
      headers.set('x-forwarded-host', before === null ? headers.authority : `${before},${headers.authority}`);
    }
  }
  headers.authority = host;
}

/** What changes from attempt to attempt. `elapsedMs`: since the request was complete, 0 before. */
export function stampAttempt(
  headers: HeaderMap,
  route: ForwardRoute,
  limits: TimeLimits,
  attempt: number,
  elapsedMs: number,
  suppressHeaders: boolean,
): void {
  if (route.attemptCountInRequest) headers.set('x-envoy-attempt-count', String(attempt));
  if (suppressHeaders) return;
  let expected = limits.perTryMs > 0 ? limits.perTryMs : limits.routeMs;
  if (expected <= 0) return;
  if (limits.routeMs > 0 && elapsedMs > 0) {
    expected = Math.min(expected, Math.max(limits.routeMs - Math.trunc(elapsedMs), 1));
  }
  headers.set('x-envoy-expected-rq-timeout-ms', String(expected));
}

/** The answer's head on its way down. `serviceMs`: from the complete request to the head, -1 = leave it out. */
export function finalizeResponse(
  response: HeaderMap,
  request: HeaderMap,
  route: ForwardRoute,
  info: StreamInfo,
  serviceMs: number,
): void {
  if (serviceMs >= 0) response.set('x-envoy-upstream-service-time', String(Math.trunc(serviceMs)));
  if (route.attemptCountInResponse) response.set('x-envoy-attempt-count', String(info.attemptCount));
  mutateResponse(response, request, route.responseMutations, info);
}
