/**
 * Plug-in `nodeproxy.extensions.filters.http.javascript.v1.JavaScript`: a filter to script with. The ES module named by `module`
 * (a path, from the folder of the configuration file) is loaded in each worker before the listener takes traffic; see `javascript/script.ts`
 * for what it gives and gets.
 */
import type { JavaScriptConfig } from '../../api/envoy.ts';
import type { HttpFilterContext, HttpFilterFactory, StreamFilter } from '../../api/http.ts';
import type { ScriptLog } from './javascript/handles.ts';
import { JavaScriptFilter } from './javascript/javascript-filter.ts';
import { loadScript, moduleUrl } from './javascript/script.ts';
import { StrayErrors } from './javascript/stray-errors.ts';

const TYPE_URL = 'nodeproxy.extensions.filters.http.javascript.v1.JavaScript';

export class JavaScriptFilterFactory implements HttpFilterFactory {
  readonly typeUrl = TYPE_URL;
  readonly terminal = false;
  readonly #log: ScriptLog;
  readonly #strays: StrayErrors;

  /** `log` takes what scripts log and what goes wrong in them. */
  constructor(log: ScriptLog) {
    this.#log = log;
    this.#strays = new StrayErrors(log);
  }

  async prepare(config: unknown, context: HttpFilterContext): Promise<() => StreamFilter> {
    const { module = '', config: own } = (config ?? {}) as JavaScriptConfig;
    if (module === '') throw new Error('javascript: module is required');
    const name = context.filterName ?? TYPE_URL;
    const errors = context.stats.scope('javascript').counter('errors');
    this.#strays.watch({ url: moduleUrl(module), name, errors });
    const functions = await loadScript(module, own ?? {});
    const shared = { functions, name, namespace: name, log: this.#log, errors };
    return () => new JavaScriptFilter(shared);
  }
}
