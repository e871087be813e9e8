/** What a filter's factory gets, from a bench. */
import assert from 'node:assert/strict';
import type { HttpFilterContext } from '../../../src/api/http.ts';
import type { ClusterManager } from '../../../src/api/upstream.ts';
import type { HttpBench } from '../../http/support/http-bench.ts';

const NO_CLUSTERS: ClusterManager = {
  get: () => undefined,
  onSnapshot: () => undefined,
  drain: () => undefined,
};

export function filterContext(bench: HttpBench): HttpFilterContext {
  return {
    dispatcher: bench.dispatcher,
    clusters: NO_CLUSTERS,
    stats: bench.stats.scope('http').scope('ingress'),
    statPrefix: 'ingress',
    filterName: 'filter',
    createTimer: (callback) => bench.dispatcher.createTimer(callback),
    accessLogs: () => assert.fail('no log is configured'),
  };
}
