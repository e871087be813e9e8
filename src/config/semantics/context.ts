/**
 * What a semantic check gets beside its message: where to report, what the rest of the configuration holds, and checkers that
 * other parts bring along (the grammar of log formats belongs to the access log, not to the configuration).
 */
import type { HeaderValueOption, RouteConfiguration } from '../../api/envoy.ts';
import type { Message } from '../message-reader.ts';

/** Each returns what is wrong, or null. */
export interface Checks {
  readonly accessLogFormat?: (format: string) => string | null;
  /** Value of a header that is added: may hold `%OPERATORS%`. */
  readonly headerFormat?: (format: string) => string | null;
  /** Names of headers that are added. */
  readonly addedHeaders?: (headers: readonly HeaderValueOption[]) => string | null;
  /** Compiles a route table for trial. */
  readonly routeConfiguration?: (config: RouteConfiguration) => string | null;
}

export interface CheckContext {
  readonly checks: Checks;
  /** Names of the static clusters; null where the list could not be read. */
  readonly clusters: ReadonlySet<string> | null;
  /** Folder of the configuration file: relative paths begin there. */
  readonly folder: string;
  /** Whether the value at `path` was given but could not be read: then it must not be taken for absent. */
  isUnread(path: string): boolean;
  /**
   * Reports `path`, placed in the text at `field` of `message` ('' = at the message itself). Dropped when something at or
   * below the path could not be read: what seems missing there may be what was reported already.
   */
  report(message: object, field: string, path: string, text: string): void;
}

/** The messages were read by the schema that the generated types are printed from, which is why a check may name its type. */
export type Check<T = Message> = (message: T, path: string, context: CheckContext) => void;
