/**
 * Plug-in `envoy.extensions.filters.http.fault.v3.HTTPFault`: delays requests and answers them with an error, on purpose.
 *
 * Delay first, abort behind it; both are flagged (`DI`, `FI`) so that no one takes them for the real thing. A route may carry
 * settings of its own, which replace these whole.
 */
import type { FaultConfig } from '../../api/envoy.ts';
import type { Timer } from '../../api/event.ts';
import type {
  DecoderFilterCallbacks,
  FilterHeadersStatus,
  HeaderMap,
  HttpFilterContext,
  HttpFilterFactory,
  StreamFilter,
} from '../../api/http.ts';
import type { Counter, Gauge, StatsScope } from '../../api/stats.ts';
import { invariant } from '../../base/invariant.ts';
import { resolvedRoute } from '../../router/route.ts';
import { FaultSettings } from './fault-settings.ts';

class FaultStats {
  readonly delaysInjected: Counter;
  readonly abortsInjected: Counter;
  readonly overflow: Counter;
  readonly active: Gauge;

  constructor(scope: StatsScope) {
    const fault = scope.scope('fault');
    this.delaysInjected = fault.counter('delays_injected');
    this.abortsInjected = fault.counter('aborts_injected');
    this.overflow = fault.counter('faults_overflow');
    this.active = fault.gauge('active_faults');
  }
}

/** What the filters of one configuration share; faults are counted per worker. */
class FaultShared {
  readonly settings: FaultSettings;
  readonly stats: FaultStats;
  readonly name: string;
  readonly createTimer: HttpFilterContext['createTimer'];
  active = 0;
  readonly #perRoute = new WeakMap<object, FaultSettings>();

  constructor(config: FaultConfig, context: HttpFilterContext) {
    this.settings = new FaultSettings(config);
    this.stats = new FaultStats(context.stats);
    this.name = context.filterName ?? FAULT_FILTER.typeUrl;
    this.createTimer = context.createTimer;
  }

  settingsOf(route: unknown): FaultSettings {
    if (typeof route !== 'object' || route === null) return this.settings;
    let settings = this.#perRoute.get(route);
    if (settings === undefined) this.#perRoute.set(route, (settings = new FaultSettings(route)));
    return settings;
  }
}

export class FaultFilter implements StreamFilter {
  readonly #shared: FaultShared;
  #callbacks: DecoderFilterCallbacks | null = null;
  #delay: Timer | null = null;
  /** This stream counts as an active fault. */
  #counted = false;

  constructor(shared: FaultShared) {
    this.#shared = shared;
  }

  setDecoderFilterCallbacks(callbacks: DecoderFilterCallbacks): void {
    this.#callbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    const shared = this.#shared;
    const callbacks = this.#callbacks;
    invariant(callbacks !== null, 'a filter is given its callbacks first');
    const { route, dispatcher } = callbacks;
    const settings = shared.settingsOf(callbacks.perRouteConfig(shared.name));
    const cluster = settings.asksForCluster && route !== null ? clusterOf(route) : '';
    if (!settings.concerns(headers, cluster)) return 'continue';
    const random = () => dispatcher.random();
    const delayMs = settings.delayFor(headers, random);
    if (delayMs > 0 && this.#count(settings)) {
      shared.stats.delaysInjected.inc();
      callbacks.info.setFlag('DI');
      this.#delay = shared.createTimer(() => {
        if (!this.#abort(settings, headers, random)) callbacks.continueDecoding();
      });
      this.#delay.enable(delayMs);
      return 'stop';
    }
    return this.#abort(settings, headers, random) ? 'stop' : 'continue';
  }

  onDestroy(): void {
    this.#delay?.disable();
    if (!this.#counted) return;
    this.#counted = false;
    this.#shared.active -= 1;
    this.#shared.stats.active.add(-1);
  }

  #abort(settings: FaultSettings, headers: HeaderMap, random: () => number): boolean {
    const status = settings.statusFor(headers, random);
    if (status === 0 || !this.#count(settings)) return false;
    this.#shared.stats.abortsInjected.inc();
    this.#callbacks?.info.setFlag('FI');
    this.#callbacks?.sendLocalReply(status, 'fault filter abort', 'fault_filter_abort');
    return true;
  }

  /** False: as many faults are active as there may be. */
  #count(settings: FaultSettings): boolean {
    if (this.#counted) return true;
    const shared = this.#shared;
    if (shared.active >= settings.maxActive) {
      shared.stats.overflow.inc();
      return false;
    }
    this.#counted = true;
    shared.active += 1;
    shared.stats.active.add(1);
    return true;
  }
}

function clusterOf(match: Parameters<typeof resolvedRoute>[0]): string {
  const route = resolvedRoute(match);
  return route.kind === 'forward' ? route.cluster : '';
}

export const FAULT_FILTER: HttpFilterFactory = {
  typeUrl: 'envoy.extensions.filters.http.fault.v3.HTTPFault',
  terminal: false,
  prepare(config: unknown, context: HttpFilterContext): () => StreamFilter {
    const shared = new FaultShared((config ?? {}) as FaultConfig, context);
    return () => new FaultFilter(shared);
  },
};
