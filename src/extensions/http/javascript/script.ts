/**
 * The contract of a scripted filter: what an ES module gives and what its functions may use.
 *
 *   export default function (config) {
 *     return { onRequest(handle) {}, async onResponse(handle) {} };
 *   }
 *
 * The module is loaded once per worker and configuration, before the listener takes traffic. A function that returns a promise
 * holds its message up until the promise settles; one that throws is counted and logged, and the message goes on
 * (`onFailure: 'continue'`, the default) or is answered with 500 (`'respond'`). What it throws outside of these functions, from a
 * timer say, is counted and logged too (`stray-errors.ts`).
 */
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';

/** What the proxy tells a script of its own doing; whoever meets it, it is the script's error. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
}

export interface ScriptHeaders extends Iterable<[string, string]> {
  /** First value; pseudo headers (`:path`) too. */
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  add(name: string, value: string): void;
  /** Number of entries removed. */
  remove(name: string): number;
}

export interface ScriptConnection {
  readonly id: number;
  /** Linux thread id of the worker. */
  readonly threadId: number;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly secure: boolean;
}

export interface ScriptMetadata {
  get(key: string, namespace?: string): unknown;
  set(key: string, value: unknown): void;
}

export type ScriptLogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** What both functions get. After the stream's end every method is inert. */
export interface ScriptHandle {
  readonly headers: ScriptHeaders;
  /** Of the message at hand, once they have arrived. */
  readonly trailers: ScriptHeaders | null;
  readonly streamId: number;
  readonly connection: ScriptConnection;
  readonly metadata: ScriptMetadata;
  /** `config` of the route's own settings for this filter. */
  readonly routeConfig: unknown;
  /** The whole body. Only in a function that returns a promise; bounded by the buffer limit (413, or 500 for responses). */
  body(): Promise<Buffer>;
  log(level: ScriptLogLevel, message: string): void;
}

export interface ScriptRequest extends ScriptHandle {
  method: string;
  path: string;
  authority: string;
  /** Answers the request here. */
  respond(status: number, headers?: Readonly<Record<string, string>>, body?: string): void;
}

export interface ScriptResponse extends ScriptHandle {
  status: number;
}

export interface ScriptFunctions {
  readonly onRequest?: (handle: ScriptRequest) => unknown;
  readonly onResponse?: (handle: ScriptResponse) => unknown;
  readonly onFailure?: 'continue' | 'respond';
}

/** Of a path, from the current folder, or a URL. */
export function moduleUrl(module: string): string {
  return module.startsWith('file:') ? module : pathToFileURL(resolve(module)).href;
}

/** Throws, with the module's name, on whatever is not as the contract says. */
export async function loadScript(module: string, config: unknown): Promise<ScriptFunctions> {
  const loaded = (await import(moduleUrl(module))) as { readonly default?: unknown };
  if (typeof loaded.default !== 'function') {
    throw new Error(`javascript: ${module} has no default export that is a function`);
  }
  const make = loaded.default as (config: unknown) => unknown;
  const functions = await make(config);
  if (typeof functions !== 'object' || functions === null) {
    throw new Error(`javascript: the function that ${module} exports returns no object`);
  }
  checkFunctions(functions as Record<string, unknown>, module);
  return functions as ScriptFunctions;
}

function checkFunctions(functions: Record<string, unknown>, module: string): void {
  for (const name of ['onRequest', 'onResponse']) {
    const value = functions[name];
    if (value !== undefined && typeof value !== 'function') {
      throw new Error(`javascript: ${name} of ${module} is not a function`);
    }
  }
  const { onFailure } = functions;
  if (onFailure !== undefined && onFailure !== 'continue' && onFailure !== 'respond') {
    throw new Error(`javascript: onFailure of ${module} is neither 'continue' nor 'respond'`);
  }
  if (functions['onRequest'] === undefined && functions['onResponse'] === undefined) {
    throw new Error(`javascript: ${module} gives neither onRequest nor onResponse`);
  }
}
