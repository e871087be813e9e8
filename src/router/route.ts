/**
 * What a matched request is to do: the resolved route, everything the router filter needs precomputed.
 *
 * Made once per route (and once per weighted cluster of it) when the table is compiled, shared by all requests, immutable.
 * A redirect or direct response never meets a cluster; a forwarding route names one, or the header that names it.
 */
import type { HeaderMap, RouteMatch, RouteSettings } from '../api/http.ts';
import type { Priority } from '../api/upstream.ts';
import type { HeaderMutation } from './header-mutation.ts';
import type { PathRewrite, RegexRewrite } from './path-rewrite.ts';
import type { CompiledRetryPolicy } from './retry-policy.ts';

/** Limits of one request in ms, 0 = off. */
export interface TimeLimits {
  readonly routeMs: number;
  readonly perTryMs: number;
  readonly perTryIdleMs: number;
}

interface RouteBase extends RouteMatch {
  readonly settings: RouteSettings;
  /** In order of evaluation; empty: nothing to do. */
  readonly requestMutations: readonly HeaderMutation[];
  readonly responseMutations: readonly HeaderMutation[];
}

export interface ForwardRoute extends RouteBase {
  readonly kind: 'forward';
  /** '' when `clusterHeader` names the header that holds it. */
  readonly cluster: string;
  readonly clusterHeader: string;
  readonly clusterNotFoundCode: number;
  readonly priority: Priority;
  readonly limits: TimeLimits;
  /** Null: none configured (request headers may still ask for retries). */
  readonly retry: CompiledRetryPolicy | null;
  readonly pathRewrite: PathRewrite | null;
  readonly hostRewrite: HostRewrite;
  readonly appendForwardedHost: boolean;
  readonly attemptCountInRequest: boolean;
  readonly attemptCountInResponse: boolean;
  readonly timeoutRetryHeader: boolean;
  /** Body bytes kept for a retry; -1 = the stream's buffer limit. */
  readonly bufferLimitBytes: number;
}

/** `auto`: the chosen host's name, known when the connection is there. */
export type HostRewrite =
  | { readonly kind: 'none' }
  | { readonly kind: 'auto' }
  | { readonly kind: 'literal'; readonly host: string }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'path-regex'; readonly rewrite: RegexRewrite };

export interface RedirectRoute extends RouteBase {
  readonly kind: 'redirect';
  readonly status: number;
  location(headers: HeaderMap): string;
}

export interface DirectResponseRoute extends RouteBase {
  readonly kind: 'direct-response';
  readonly status: number;
  readonly body: string;
}

export type ResolvedRoute = ForwardRoute | RedirectRoute | DirectResponseRoute;

/** Routes reach the filter through the connection manager as `RouteMatch`; every one of them was made here. */
export function resolvedRoute(match: RouteMatch): ResolvedRoute {
  return match as ResolvedRoute;
}
