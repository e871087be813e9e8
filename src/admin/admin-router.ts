/**
 * From method and target to a reply: which endpoint, may it be called so, and what an unknown path is told. No I/O: a test
 * calls it with plain values.
 */
import type { StringMatcher } from '../api/envoy.ts';
import type { AdminContext } from '../api/admin.ts';
import { compileStringMatcher } from '../router/string-match.ts';
import type { AdminReply, Endpoint } from './endpoint.ts';
import { textReply } from './endpoint.ts';
import { helpText } from './endpoints/help.ts';
import { ENDPOINTS } from './endpoints/index.ts';

export interface AdminCall {
  readonly method: string;
  /** Path and query as on the request line. */
  readonly target: string;
  /** Fields of a form body; '' = none. */
  readonly form: string;
  /** The browser's word that another site made the request. */
  readonly crossSite: boolean;
}

export class AdminRouter {
  readonly #context: AdminContext;
  readonly #endpoints: ReadonlyMap<string, Endpoint>;
  readonly #allowed: ((path: string) => boolean)[] | null;

  /** `allowPaths`: of the bootstrap; absent or empty = all. */
  constructor(context: AdminContext, allowPaths: readonly StringMatcher[] = []) {
    this.#context = context;
    this.#endpoints = new Map(ENDPOINTS.map((endpoint) => [endpoint.path, endpoint]));
    this.#allowed = allowPaths.length === 0 ? null : allowPaths.map(compileStringMatcher);
  }

  async route(call: AdminCall): Promise<AdminReply> {
    const mark = call.target.indexOf('?');
    const path = mark === -1 ? call.target : call.target.slice(0, mark);
    if (this.#allowed !== null && !this.#allowed.some((allows) => allows(path))) {
      return textReply(`request to path ${path} not allowed\n`, 403);
    }
    const endpoint = this.#endpoints.get(path);
    if (endpoint === undefined) return textReply(`invalid path. ${helpText(ENDPOINTS)}`, 404);
    const refused = refusal(endpoint, call);
    if (refused !== null) return refused;
    const query = new URLSearchParams(mark === -1 ? '' : call.target.slice(mark + 1));
    for (const [name, value] of new URLSearchParams(call.form)) query.append(name, value);
    return endpoint.handle({ query, context: this.#context, endpoints: ENDPOINTS });
  }
}

function refusal(endpoint: Endpoint, { method, crossSite }: AdminCall): AdminReply | null {
  if (endpoint.mutates) {
    if (method !== 'POST') return textReply(`Method ${method} not allowed, POST required.`, 405);
    // A page elsewhere must not be able to make a browser on the node stop the proxy.
    return crossSite ? textReply('cross-site request refused\n', 403) : null;
  }
  const readable = method === 'GET' || method === 'HEAD' || method === 'POST';
  return readable ? null : textReply(`Method ${method} not allowed, GET required.`, 405);
}
