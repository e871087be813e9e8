/**
 * Compiles a JSON format (`json_format`, `typed_json_format`): a structure whose strings are formats.
 *
 * A string that is one operator and nothing else keeps the operator's type when `typed` (`"%DURATION%"` -> 12, missing -> null);
 * every other one becomes text. `JSON.stringify` does the escaping, so values of peers are not escaped twice.
 */
import type { LogContext, ObservationNeeds } from '../../api/observe.ts';
import { FormatError, NO_NEEDS, unionOfNeeds, type Operator } from './operator.ts';
import { makeOperator } from './operators.ts';
import { parseTemplate, type Piece } from './template.ts';
import { cut, type LineFormat } from './text-format.ts';

/** Undefined: left out (`omit_empty_values`). */
type Render = (context: LogContext) => unknown;

export interface JsonFormatOptions {
  readonly typed: boolean;
  readonly omitEmpty: boolean;
  readonly sortKeys?: boolean;
}

const MISSING = '-';

/** Throws `FormatError` with all that is wrong. */
export function compileJsonFormat(
  structure: Readonly<Record<string, unknown>>,
  options: JsonFormatOptions,
): LineFormat {
  const compiler = new JsonCompiler(options);
  const render = compiler.object(structure, '');
  if (compiler.errors.length > 0) throw new FormatError(compiler.errors.join('; '));
  return {
    needs: compiler.needs,
    write: (context, out) => out.text(JSON.stringify(render(context) ?? {}) + '\n'),
  };
}

class JsonCompiler {
  needs: ObservationNeeds = NO_NEEDS;
  readonly errors: string[] = [];
  readonly #options: JsonFormatOptions;

  constructor(options: JsonFormatOptions) {
    this.#options = options;
  }

  object(structure: Readonly<Record<string, unknown>>, path: string): Render {
    const names = Object.keys(structure);
    if (this.#options.sortKeys === true) names.sort();
    const fields = names.map((name): [string, Render] => [
      name,
      this.#value(structure[name], path === '' ? name : `${path}.${name}`),
    ]);
    const { omitEmpty } = this.#options;
    return (context) => {
      const object: Record<string, unknown> = {};
      let empty = true;
      for (const [name, render] of fields) {
        const value = render(context);
        if (value === undefined) continue;
        object[name] = value;
        empty = false;
      }
      return empty && omitEmpty ? undefined : object;
    };
  }

  #value(value: unknown, path: string): Render {
    if (typeof value === 'string') return this.#text(value, path);
    if (Array.isArray(value)) {
      const items = value.map((item, index) => this.#value(item, `${path}[${index}]`));
      return (context) => items.map((render) => render(context) ?? null);
    }
    if (typeof value === 'object' && value !== null)
      return this.object(Object.fromEntries(Object.entries(value)), path);
    return () => value;
  }

  #text(format: string, path: string): Render {
    try {
      const pieces = parseTemplate(format);
      const [only] = pieces;
      if (pieces.length === 1 && only !== undefined && typeof only !== 'string') return this.#single(only);
      return this.#joined(pieces);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.errors.push(`${path}: ${error.message}`);
      return () => null;
    }
  }

  #operator(piece: Exclude<Piece, string>): Operator {
    const operator = makeOperator(piece.name, piece.parameter);
    this.needs = unionOfNeeds(this.needs, operator.needs ?? {});
    return { ...operator, value: cut(operator.value, piece.length) };
  }

  #single(piece: Exclude<Piece, string>): Render {
    const { value } = this.#operator(piece);
    const { typed, omitEmpty } = this.#options;
    const missing = omitEmpty ? undefined : typed ? null : MISSING;
    if (typed) return (context) => value(context) ?? missing;
    return (context) => {
      const found = value(context);
      return found === null ? missing : String(found);
    };
  }

  #joined(pieces: readonly Piece[]): Render {
    const missing = this.#options.omitEmpty ? '' : MISSING;
    const parts = pieces.map((piece) => (typeof piece === 'string' ? piece : this.#operator(piece).value));
    return (context) => {
      let text = '';
      for (const part of parts) text += typeof part === 'string' ? part : (part(context) ?? missing);
      return text;
    };
  }
}
