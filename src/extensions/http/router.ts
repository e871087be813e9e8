/**
 * Plug-in `envoy.extensions.filters.http.router.v3.Router`: the terminal HTTP filter.
 *
 * Counters and caches are made once per configuration and worker; a stream gets one filter object.
 */
import type { HttpFilterContext, HttpFilterFactory, StreamFilter } from '../../api/http.ts';
import type { Router } from '../../api/envoy.ts';
import { RouterConfig } from '../../router/router-config.ts';
import { RouterFilter } from '../../router/router-filter.ts';

export const ROUTER_FILTER: HttpFilterFactory = {
  typeUrl: 'envoy.extensions.filters.http.router.v3.Router',
  terminal: true,
  prepare(config: unknown, context: HttpFilterContext): () => StreamFilter {
    const shared = new RouterConfig((config ?? {}) as Router, context);
    return () => new RouterFilter(shared);
  },
};
