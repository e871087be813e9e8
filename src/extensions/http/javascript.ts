/**
 * Plug-in `nodeproxy.extensions.filters.http.javascript.v1.JavaScript`: a filter to script with. The ES module named by `module`
 * (a path, from the folder of the configuration file) is loaded in each worker before the listener takes traffic; see `javascript/script.ts`
 * for what it gives and gets.
 */
import type { JavaScriptConfig } from '../../api/envoy.ts';
import type { HttpFilterContext, HttpFilterFactory, StreamFilter } from '../../api/http.ts';
import type { ScriptLog } from './javascript/handles.ts';
import { JavaScriptFilter } from './javascript/javascript-filter.ts';
import { loadScript } from './javascript/script.ts';

const TYPE_URL = 'nodeproxy.extensions.filters.http.javascript.v1.JavaScript';

export class JavaScriptFilterFactory implements HttpFilterFactory {
  readonly typeUrl = TYPE_URL;
  readonly terminal = false;
  readonly #log: ScriptLog;

  /** `log` takes what scripts log and what goes wrong in them. */
  constructor(log: ScriptLog) {
    this.#log = log;
  }

  async prepare(config: unknown, context: HttpFilterContext): Promise<() => StreamFilter> {
    const { module = '', config: own } = (config ?? {}) as JavaScriptConfig;
    if (module === '') throw new Error('javascript: module is required');
    const shared = {
      functions: await loadScript(module, own ?? {}),
      name: context.filterName ?? TYPE_URL,
      namespace: context.filterName ?? TYPE_URL,
      log: this.#log,
      errors: context.stats.scope('javascript').counter('errors'),
    };
    return () => new JavaScriptFilter(shared);
  }
}
