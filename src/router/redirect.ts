/**
 * Redirect actions, compiled: the `location` of a redirect from the request and Envoy's `RedirectAction` fields.
 *
 * Scheme: `scheme_redirect`, `https_redirect`, else the request's. A port of the request's host stays, except when the scheme
 * changes away from the one that it is the default of. The query stays unless `strip_query` or the new path has its own.
 */
import type { RedirectAction, RedirectActionRedirectResponseCode } from '../api/envoy.ts';
import type { HeaderMap } from '../api/http.ts';
import { targetText } from './config-text.ts';
import { pathEnd, type PathCondition } from './path-match.ts';
import { PrefixRewrite, RegexRewrite, type PathRewrite } from './path-rewrite.ts';

const CODES: Readonly<Record<RedirectActionRedirectResponseCode, number>> = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
};

const PORT = /:\d+$/;

export class Redirect {
  readonly status: number;
  readonly #config: RedirectAction;
  readonly #rewrite: PathRewrite | null;

  constructor(config: RedirectAction, condition: PathCondition) {
    this.status = CODES[config.response_code ?? 'MOVED_PERMANENTLY'];
    for (const text of [config.scheme_redirect, config.host_redirect, config.path_redirect]) {
      targetText(text ?? '', 'redirect');
    }
    this.#config = config;
    this.#rewrite = compileRewrite(config, condition);
  }

  location(headers: HeaderMap): string {
    const scheme = this.#scheme(headers);
    return `${scheme}://${this.#host(headers, scheme)}${this.#path(headers.path)}`;
  }

  #scheme(headers: HeaderMap): string {
    if (this.#config.https_redirect === true) return 'https';
    return this.#config.scheme_redirect ?? requestScheme(headers);
  }

  #host(headers: HeaderMap, scheme: string): string {
    const bare = this.#config.host_redirect ?? '';
    const port = this.#config.port_redirect ?? 0;
    if (port !== 0) return `${bare === '' ? headers.authority.replace(PORT, '') : bare}:${port}`;
    if (bare !== '') return bare;
    const from = requestScheme(headers);
    const defaultPort = from === 'https' ? ':443' : ':80';
    const host = headers.authority;
    return scheme !== from && host.endsWith(defaultPort) ? host.slice(0, -defaultPort.length) : host;
  }

  #path(path: string): string {
    const stripQuery = this.#config.strip_query === true;
    const fixed = this.#config.path_redirect;
    if (fixed !== undefined && fixed !== '') {
      if (stripQuery || fixed.includes('?')) return fixed;
      return fixed + query(path);
    }
    const rewritten = this.#rewrite === null ? path : this.#rewrite.rewrite(path);
    return stripQuery ? rewritten.slice(0, pathEnd(rewritten)) : rewritten;
  }
}

function query(path: string): string {
  const from = path.indexOf('?');
  return from === -1 ? '' : path.slice(from);
}

/** As the client saw it: `x-forwarded-proto` where a front proxy ended TLS, else the scheme of the request. */
export function requestScheme(headers: HeaderMap): string {
  const forwarded = headers.get('x-forwarded-proto');
  if (forwarded !== null && forwarded !== '') return forwarded;
  return headers.scheme === '' ? 'http' : headers.scheme;
}

function compileRewrite(config: RedirectAction, condition: PathCondition): PathRewrite | null {
  if (config.prefix_rewrite !== undefined && config.prefix_rewrite !== '') {
    return new PrefixRewrite(config.prefix_rewrite, condition);
  }
  return config.regex_rewrite === undefined ? null : new RegexRewrite(config.regex_rewrite);
}
