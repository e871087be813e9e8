/**
 * Plug-in `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`: the terminal network filter that
 * speaks HTTP.
 *
 * `prepare` runs once per filter chain and worker: it readies the HTTP filters (which may load modules), the access logs, the
 * routes and the statistics, and gives the function that makes the filter of one connection.
 */
import type { Any, HttpConnectionManager as Config, HttpFilter } from '../../api/envoy.ts';
import type { HttpFilterContext, HttpFilterFactory, ServerCodecCallbacks } from '../../api/http.ts';
import type {
  Connection,
  NetworkFilterContext,
  NetworkFilterFactory,
  ReadFilter,
} from '../../api/network.ts';
import { HEAP_BLOCKS } from '../../buffer/chunk-queue.ts';
import { Http1ServerCodec } from '../../codec/http1/server-codec.ts';
import { compileCodecSettings } from '../../http/codec-settings.ts';
import { ConnectionManager } from '../../http/connection-manager.ts';
import { CurrentRoutes, fixedRoutes } from '../../http/current-routes.ts';
import type { RouteCompiler, RouteOpener } from '../../http/current-routes.ts';
import { FilterEntry, FilterPlan } from '../../http/filter-plan.ts';
import type { HttpConfiguration, RouteTableSlot } from '../../http/http-configuration.ts';
import { HttpDate } from '../../http/http-date.ts';
import { HttpStats } from '../../http/http-stats.ts';
import { randomRequestIds } from '../../http/request-id.ts';
import { compileHttpSettings } from '../../http/settings.ts';
import { StreamRecord } from '../../observe/stream-info.ts';
import { compileLocalReplies } from './local-replies.ts';

/** What the connection manager takes from the build: its HTTP filters, the compiler and the opener of route tables. */
export interface HttpConnectionManagerParts {
  readonly httpFilter: (typeUrl: string) => HttpFilterFactory | undefined;
  readonly compileRoutes: RouteCompiler;
  readonly openRoutes: RouteOpener;
}

export class HttpConnectionManagerFactory implements NetworkFilterFactory {
  readonly typeUrl = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  readonly terminal = true;
  readonly #parts: HttpConnectionManagerParts;

  constructor(parts: HttpConnectionManagerParts) {
    this.#parts = parts;
  }

  async prepare(config: unknown, context: NetworkFilterContext): Promise<() => ReadFilter> {
    const http = (config ?? {}) as Config;
    const plan = new FilterPlan(await this.#filters(http, context));
    const shared = this.#configuration(http, context, plan);
    return () => new ConnectionManager(shared);
  }

  async #filters(config: Config, context: NetworkFilterContext): Promise<readonly FilterEntry[]> {
    const entries: FilterEntry[] = [];
    for (const filter of config.http_filters ?? []) {
      if (filter.disabled === true) continue;
      entries.push(await this.#filter(filter, config.stat_prefix ?? '', context));
    }
    const early = entries.slice(0, -1).find((entry) => entry.terminal);
    if (early !== undefined) throw new Error(`http filter ${early.name} is terminal but not the last one`);
    if (entries.at(-1)?.terminal !== true) throw new Error('the last http filter must be a terminal one');
    return entries;
  }

  async #filter(filter: HttpFilter, statPrefix: string, context: NetworkFilterContext): Promise<FilterEntry> {
    const { name = '' } = filter;
    const typeUrl: string = (filter.typed_config as Any | undefined)?.['@type'] ?? '';
    const factory = this.#parts.httpFilter(typeUrl);
    if (factory === undefined) throw new Error(`http filter ${name}: unknown type '${typeUrl}'`);
    const filterContext: HttpFilterContext = {
      dispatcher: context.dispatcher,
      clusters: context.clusters,
      stats: context.stats.scope('http').scope(statPrefix),
      statPrefix,
      filterName: name,
      createTimer: (callback) => context.dispatcher.createTimer(callback),
      accessLogs: context.accessLogs,
    };
    return new FilterEntry(name, factory.terminal, await factory.prepare(filter.typed_config, filterContext));
  }

  #routes(config: Config, context: NetworkFilterContext): RouteTableSlot {
    const table = config.route_config;
    if (table === undefined) return { current: null };
    // With its virtual hosts inside it is complete; by name alone it lies in the slot.
    if (table.virtual_hosts !== undefined) return fixedRoutes(table, this.#parts.compileRoutes);
    const inflated = context.stats
      .scope('thread_local_route_tables')
      .scope(context.dispatcher.name)
      .gauge('virtual_hosts_inflated');
    return new CurrentRoutes(context.routes, table.name ?? '', this.#parts.openRoutes, inflated);
  }

  #configuration(config: Config, context: NetworkFilterContext, plan: FilterPlan): HttpConfiguration {
    const settings = compileHttpSettings(config);
    const codecSettings = compileCodecSettings(config);
    const accessLogs = context.accessLogs(config.access_log ?? []);
    const { dispatcher, stats } = context;
    const { needs } = accessLogs;
    const filterNames = plan.names;
    const replies = config.local_reply_config;
    return {
      settings,
      stats: new HttpStats(
        stats.scope('http').scope(settings.statPrefix),
        context.listenerStats.scope('http').scope(settings.statPrefix),
      ),
      filters: { current: plan },
      routes: this.#routes(config, context),
      accessLogs,
      localReplies: replies === undefined ? null : compileLocalReplies(replies),
      drain: context.drain,
      date: new HttpDate(dispatcher.clock),
      requestIds: randomRequestIds(),
      blocks: HEAP_BLOCKS,
      bufferLimitBytes: context.bufferLimitBytes,
      listenerPort: context.listenerPort,
      filterChainName: context.filterChainName,
      createCodec: (connection: Connection, callbacks: ServerCodecCallbacks) =>
        new Http1ServerCodec({ connection, callbacks, settings: codecSettings, stats }),
      createInfo: (connection: Connection, startAt: number) =>
        new StreamRecord({ kind: 'http', dispatcher, connection, needs, filterNames, startAt }),
    };
  }
}
