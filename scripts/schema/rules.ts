/**
 * The validation rules of one field (protoc-gen-validate), as protobufjs parsed them, brought into the one flat shape that
 * the loader checks: `uint32.gte`, `duration.gte`, `double.gte` all become `min`. A rule that has no translation stops the
 * generator, so that none is lost silently.
 */
import type { Rules } from '../../src/config/descriptor.ts';

type Tree = { readonly [key: string]: unknown };

const KINDS = new Set(
  [
    'float double int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64',
    'bool string bytes enum message repeated map any duration timestamp',
  ].flatMap((line) => line.split(' ')),
);

/** Rules that our reader enforces for every value anyway (an unknown enum name is an error). */
const IMPLIED = new Set(['defined_only', 'skip', 'no_sparse', 'ignore_empty_items']);

const NUMBERS: Readonly<Record<string, string>> = {
  gte: 'min',
  lte: 'max',
  gt: 'above',
  lt: 'below',
  min_len: 'minLen',
  max_len: 'maxLen',
  min_bytes: 'minBytes',
  max_bytes: 'maxBytes',
  min_items: 'minItems',
  max_items: 'maxItems',
  min_pairs: 'minPairs',
};
const TEXTS: Readonly<Record<string, string>> = {
  prefix: 'prefix',
  suffix: 'suffix',
  contains: 'contains',
  pattern: 'pattern',
};
const FLAGS: Readonly<Record<string, string>> = {
  required: 'required',
  unique: 'unique',
  ignore_empty: 'ignoreEmpty',
};
const NESTED: Readonly<Record<string, string>> = { items: 'items', keys: 'keys', values: 'values' };
const HEADER: Readonly<Record<string, string>> = { HTTP_HEADER_NAME: 'name', HTTP_HEADER_VALUE: 'value' };

export function rulesOf(options: readonly Tree[] | undefined, where: string): Rules | undefined {
  const out: Record<string, unknown> = {};
  for (const option of options ?? []) {
    const rules = option['(validate.rules)'];
    if (isTree(rules)) collect(rules, out, where);
  }
  return Object.keys(out).length > 0 ? (out as Rules) : undefined;
}

function collect(tree: Tree, out: Record<string, unknown>, where: string): void {
  for (const [kind, rules] of Object.entries(tree)) {
    if (!KINDS.has(kind) || !isTree(rules)) throw new Error(`${where}: unknown rule "${kind}"`);
    for (const [name, value] of Object.entries(rules)) {
      if (!IMPLIED.has(name)) put(kind, name, value, out, where);
    }
  }
}

function put(kind: string, name: string, value: unknown, out: Record<string, unknown>, where: string): void {
  const number = NUMBERS[name];
  if (number !== undefined) {
    out[number] = kind === 'duration' ? milliseconds(value) : Number(value);
  } else if (TEXTS[name] !== undefined) {
    out[TEXTS[name]] = kind === 'bytes' ? String(value) : value;
  } else if (FLAGS[name] !== undefined) {
    if (value === true) out[FLAGS[name]] = 1;
  } else if (NESTED[name] !== undefined && isTree(value)) {
    const inside: Record<string, unknown> = {};
    collect(value, inside, where);
    if (Object.keys(inside).length > 0) out[NESTED[name]] = inside;
  } else if (name === 'const') {
    out['is'] = value;
  } else if (name === 'in' || name === 'not_in') {
    out[name === 'in' ? 'in' : 'notIn'] = Array.isArray(value) ? value : [value];
  } else if (name === 'well_known_regex') {
    out['header'] = HEADER[String(value)];
  } else if (name === 'strict') {
    if (value === false) out['lax'] = 1;
  } else {
    throw new Error(`${where}: rule "${kind}.${name}" has no translation`);
  }
}

/** An empty duration is zero: `gt: {}` means "more than 0s". */
function milliseconds(value: unknown): number {
  if (!isTree(value)) return 0;
  return Number(value['seconds'] ?? 0) * 1000 + Number(value['nanos'] ?? 0) / 1e6;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
