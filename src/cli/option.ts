/**
 * Options of a command as data: the parser, the help and the errors are all made from it.
 *
 * A table instead of a library: what `node:util.parseArgs` splits is checked here value by value, and a mistyped name is answered with
 * the nearest one that exists.
 */
import { parseArgs } from 'node:util';
import { suggestion } from '../config/suggestion.ts';

export interface OptionSpec {
  readonly name: string;
  readonly short?: string;
  /** Shown in the help, `<n>`; absent: a flag without value. */
  readonly value?: string;
  readonly help: string;
  /** Why the value is not acceptable; null = it is. */
  readonly check?: (value: string) => string | null;
}

export interface ParsedOptions {
  readonly values: ReadonlyMap<string, string>;
  readonly positionals: readonly string[];
}

/** The user's mistake: the message is for them, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Throws `UsageError` at the first thing wrong. A later value of an option replaces an earlier one, as in Envoy. */
export function parseOptions(args: readonly string[], specs: readonly OptionSpec[]): ParsedOptions {
  const options = Object.fromEntries(
    specs.map((spec) => {
      const type = spec.value === undefined ? ('boolean' as const) : ('string' as const);
      return [spec.name, spec.short === undefined ? { type } : { type, short: spec.short }];
    }),
  );
  const { tokens } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values = new Map<string, string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind === 'option') values.set(token.name, valueOf(token, specs));
  }
  return { values, positionals };
}

function valueOf(
  token: { readonly name: string; readonly rawName: string; readonly value: string | undefined },
  specs: readonly OptionSpec[],
): string {
  const spec = specs.find((each) => each.name === token.name);
  if (spec === undefined) {
    const near = suggestion(
      token.rawName,
      specs.map((each) => `--${each.name}`),
    );
    throw new UsageError(`unknown option ${token.rawName}${near}`);
  }
  if (spec.value === undefined) {
    if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
    return '';
  }
  if (token.value === undefined) throw new UsageError(`${token.rawName} needs a value: ${spec.value}`);
  const problem = spec.check?.(token.value) ?? null;
  if (problem !== null) throw new UsageError(`${token.rawName} ${token.value}: ${problem}`);
  return token.value;
}

/** A check for whole numbers in a range. */
export function wholeNumber(least: number, most: number): (value: string) => string | null {
  return (value) => {
    const number = Number(value);
    const good = /^\d+$/.test(value) && number >= least && number <= most;
    return good ? null : `must be a whole number from ${least} to ${most}`;
  };
}

export function oneOf(choices: readonly string[]): (value: string) => string | null {
  return (value) =>
    choices.includes(value) ? null : `must be one of ${choices.join(', ')}${suggestion(value, choices)}`;
}
