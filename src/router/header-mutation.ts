/**
 * `request_headers_to_add` / `_to_remove` and their response twins, compiled.
 *
 * One `HeaderMutation` per configuration level that has any; a route holds them in the order of evaluation (weighted cluster,
 * route, virtual host, table; reversed by `most_specific_header_mutations_wins`). Within a level removal comes first, as in
 * Envoy. Values with operators (`%REQ(x)%`) are compiled by the access log's formatter, given by the caller; an operator
 * without a value gives the empty text, and an entry that ends up empty is left out unless `keep_empty_value`.
 */
import type { HeaderValueOption, HeaderValueOptionHeaderAppendAction } from '../api/envoy.ts';
import type { HeaderMap } from '../api/http.ts';
import type { LogContext } from '../api/observe.ts';
import { fieldText } from './config-text.ts';

/** Compiles Envoy's operator format; missing values give ''. Throws on an unknown operator. */
export type FormatCompiler = (format: string) => (context: LogContext) => string;

interface Addition {
  readonly name: string;
  /** The value when it has no operators. */
  readonly literal: string;
  readonly format: ((context: LogContext) => string) | null;
  readonly action: HeaderValueOptionHeaderAppendAction;
  readonly keepEmpty: boolean;
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

export class HeaderMutation {
  readonly #additions: readonly Addition[];
  readonly #removals: readonly string[];

  constructor(additions: readonly Addition[], removals: readonly string[]) {
    this.#additions = additions;
    this.#removals = removals;
  }

  apply(headers: HeaderMap, context: LogContext): void {
    for (const name of this.#removals) headers.remove(name);
    for (const addition of this.#additions) {
      const value = addition.format === null ? addition.literal : addition.format(context);
      if (value === '' && !addition.keepEmpty) continue;
      add(headers, addition.name, value, addition.action);
    }
  }
}

function add(
  headers: HeaderMap,
  name: string,
  value: string,
  action: HeaderValueOptionHeaderAppendAction,
): void {
  switch (action) {
    case 'APPEND_IF_EXISTS_OR_ADD':
      headers.add(name, value);
      return;
    case 'ADD_IF_ABSENT':
      if (!headers.has(name)) headers.add(name, value);
      return;
    case 'OVERWRITE_IF_EXISTS':
      if (headers.has(name)) headers.set(name, value);
      return;
    case 'OVERWRITE_IF_EXISTS_OR_ADD':
      headers.set(name, value);
  }
}

/** Null: nothing to do at this level. */
export function compileHeaderMutation(
  toAdd: readonly HeaderValueOption[] | undefined,
  toRemove: readonly string[] | undefined,
  formats: FormatCompiler,
): HeaderMutation | null {
  if ((toAdd?.length ?? 0) === 0 && (toRemove?.length ?? 0) === 0) return null;
  const additions = (toAdd ?? []).map((option) => compileAddition(option, formats));
  const removals = (toRemove ?? []).map((name) => checkedName(name, 'removed'));
  return new HeaderMutation(additions, removals);
}

function compileAddition(option: HeaderValueOption, formats: FormatCompiler): Addition {
  const name = checkedName(option.header?.key ?? '', 'changed');
  const raw = option.header?.value ?? option.header?.raw_value?.toString('latin1') ?? '';
  const text = fieldText(raw, `header ${name}`);
  const dynamic = text.replaceAll('%%', '').includes('%');
  const appendByDefault = option.append ?? true;
  return {
    name,
    literal: dynamic ? '' : text.replaceAll('%%', '%'),
    format: dynamic ? formats(text) : null,
    action:
      option.append_action ?? (appendByDefault ? 'APPEND_IF_EXISTS_OR_ADD' : 'OVERWRITE_IF_EXISTS_OR_ADD'),
    keepEmpty: option.keep_empty_value ?? false,
  };
}

function checkedName(raw: string, verb: string): string {
  const name = raw.toLowerCase();
  if (name.startsWith(':') || name === 'host') throw new Error(`header ${raw} cannot be ${verb}`);
  if (!HEADER_NAME.test(name)) throw new Error(`${JSON.stringify(raw)} is no header name`);
  return name;
}
