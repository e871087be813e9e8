/**
 * The router: terminal HTTP filter. Takes a request from the filter chain, carries it to an upstream, brings the answer back.
 *
 *   idle --decodeHeaders--> waiting --pool ready--> exchange --response head goes down--> responding --> done
 *                             ^                        |
 *                             `------ backing-off <----'  (failed attempt, nothing sent down yet)
 *   any state --local reply, redirect, reset, client gone--> done
 *
 * This file decides whether there is anything to carry: route, redirect, direct response, cluster. `Forwarding` then owns the
 * attempt, the body and the timers. A GET to an idle connection costs the filter, the forwarding and the attempt object.
 */
import type { Bytes } from '../api/bytes.ts';
import type {
  DecoderFilterCallbacks,
  FilterDataStatus,
  FilterHeadersStatus,
  FilterTrailersStatus,
  HeaderMap,
  StreamDecoderFilter,
} from '../api/http.ts';
import { invariant } from '../base/invariant.ts';
import { logger, streamMark } from '../base/logger.ts';
import { firstMalformed } from './control-headers.ts';
import { Forwarding } from './forwarding.ts';
import { answerFromRoute, answerMalformed, answerNoCluster, answerNoRoute } from './own-answers.ts';
import { resolvedRoute } from './route.ts';
import type { RouterConfig } from './router-config.ts';

const log = logger('router');

export class RouterFilter implements StreamDecoderFilter {
  readonly #config: RouterConfig;
  #callbacks: DecoderFilterCallbacks | null = null;
  #forwarding: Forwarding | null = null;

  constructor(config: RouterConfig) {
    this.#config = config;
  }

  setDecoderFilterCallbacks(callbacks: DecoderFilterCallbacks): void {
    this.#callbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const callbacks = this.#callbacks;
    invariant(callbacks !== null, 'a filter is given its callbacks first');
    const forwarding = this.#choose(headers, callbacks);
    this.#forwarding = forwarding;
    forwarding?.begin(endStream);
    return 'stop';
  }

  decodeData(bytes: Bytes, endStream: boolean): FilterDataStatus {
    this.#forwarding?.takeData(bytes, endStream);
    return 'stop-no-buffer';
  }

  decodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    this.#forwarding?.takeTrailers(trailers);
    return 'stop';
  }

  onDestroy(): void {
    this.#forwarding?.destroy();
  }

  /** Null: the request has been answered. */
  #choose(headers: HeaderMap, callbacks: DecoderFilterCallbacks): Forwarding | null {
    const config = this.#config;
    config.stats.rqTotal.inc();
    const match = callbacks.route;
    if (match === null) {
      answerNoRoute(callbacks, config);
      return null;
    }
    const route = resolvedRoute(match);
    const { info } = callbacks;
    info.routeName = route.routeName;
    info.virtualHostName = route.virtualHostName;
    if (route.kind !== 'forward') {
      answerFromRoute(callbacks, config, route, headers);
      return null;
    }
    const name = route.cluster === '' ? (headers.get(route.clusterHeader) ?? '') : route.cluster;
    const cluster = config.clusters.get(name);
    if (cluster === undefined) {
      answerNoCluster(callbacks, config, route.clusterNotFoundCode);
      return null;
    }
    info.clusterName = cluster.info.observabilityName;
    if (log.debugOn) {
      const mark = streamMark(callbacks.connection.id, callbacks.streamId);
      log.debug(`${mark} cluster '${name}' match for URL '${headers.path}'`);
    }
    const malformed =
      config.strictHeaders.length === 0 ? null : firstMalformed(headers, config.strictHeaders);
    if (malformed !== null) {
      answerMalformed(callbacks, malformed, headers.get(malformed) ?? '');
      return null;
    }
    return new Forwarding({ config, callbacks, route, cluster, headers });
  }
}
