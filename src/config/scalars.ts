/**
 * One YAML scalar into one value of a protobuf scalar type, by the JSON mapping of protobuf: numbers may be quoted, bytes are
 * base64, durations are `1.5s`. Here ends everything that the YAML reader thought about the type of a plain scalar.
 *
 * A value that does not fit is returned as a `Misfit` with the text for the operator; nothing is rounded or clipped.
 */
import type { EnumType } from './schema.ts';
import { suggestion } from './suggestion.ts';
import type { ScalarNode, TreeNode } from './yaml-tree.ts';

export class Misfit {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

export type ScalarValue = string | number | boolean | Buffer;

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  sint32: [-(2 ** 31), 2 ** 31 - 1],
  sfixed32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  fixed32: [0, 2 ** 32 - 1],
  // 64-bit numbers are kept as doubles: exact up to 2^53 - 1, refused beyond.
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  sint64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  sfixed64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint64: [0, Number.MAX_SAFE_INTEGER],
  fixed64: [0, Number.MAX_SAFE_INTEGER],
};

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;
/** Protobuf's range: about 10,000 years. */
const MAX_DURATION_S = 315_576_000_000;
/** Below it, seconds counted in nanoseconds stay under 2^53. */
const EXACT_NANOS_S = 9_000_000;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const SPECIAL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);
/** Words that Envoy's YAML reader takes for booleans beside `true` and `false`. */
const YAML11_WORDS: ReadonlyMap<string, boolean> = new Map([
  ['yes', true],
  ['on', true],
  ['no', false],
  ['off', false],
]);

export function readScalar(type: string, node: ScalarNode): ScalarValue | Misfit {
  switch (type) {
    case 'string':
      return readString(node);
    case 'bool':
      return readBool(node);
    case 'bytes':
      return readBytes(node);
    case 'double':
    case 'float':
      return readDouble(type, node);
    default:
      return readInteger(type, node);
  }
}

/** `1.5s` -> 1500 (ms). */
export function readDuration(node: ScalarNode): number | Misfit {
  const match = typeof node.value === 'string' ? DURATION.exec(node.value) : null;
  if (match === null) return new Misfit(`expected a duration like "0.25s" or "10s", got ${shown(node)}`);
  const seconds = Number(match[2]);
  if (seconds > MAX_DURATION_S) return new Misfit(`${shown(node)} is longer than ${MAX_DURATION_S}s`);
  const nanos = Number((match[3] ?? '').padEnd(9, '0'));
  // One rounding where the sum is exact in a double, so that 1234.567 ms survives being printed and read again.
  const ms = seconds < EXACT_NANOS_S ? (seconds * 1e9 + nanos) / 1e6 : seconds * 1000 + nanos / 1e6;
  return match[1] === '-' && ms !== 0 ? -ms : ms;
}

/** RFC 3339, kept as text. */
export function readTimestamp(node: ScalarNode): string | Misfit {
  const { text } = node;
  if (TIMESTAMP.test(text) && !Number.isNaN(Date.parse(text))) return text;
  return new Misfit(`expected a time like "2026-01-31T12:00:00Z", got ${shown(node)}`);
}

/** By name, or by number as the JSON mapping allows. */
export function readEnum(type: EnumType, node: ScalarNode): string | Misfit {
  const name = typeof node.value === 'number' ? type.names.get(node.value) : node.text;
  if (name !== undefined && type.numbers.has(name)) return name;
  const names = [...type.numbers.keys()];
  const near = suggestion(node.text, names);
  return new Misfit(`invalid value ${shown(node)} for ${type.name}; one of ${names.join(', ')}${near}`);
}

/** What stands there, for "expected …, got …". */
export function kindOf(node: TreeNode): string {
  if (node.kind === 'map') return 'a mapping';
  return node.kind === 'list' ? 'a list' : shown(node);
}

/** A value as an error shows it: quoted as in JSON, cut when long. */
export function shown(node: ScalarNode): string {
  const text = JSON.stringify(node.value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function readString(node: ScalarNode): string | Misfit {
  if (typeof node.value === 'string') return node.value;
  return new Misfit(`expected a string, got ${shown(node)} (put it in quotes)`);
}

function readBool(node: ScalarNode): boolean | Misfit {
  if (typeof node.value === 'boolean') return node.value;
  const word = node.plain ? YAML11_WORDS.get(node.text.toLowerCase()) : undefined;
  return word ?? new Misfit(`expected true or false, got ${shown(node)}`);
}

function readBytes(node: ScalarNode): Buffer | Misfit {
  // A plain scalar may have been read as a number ("1234"); its text is what counts.
  if (node.value === null || !BASE64.test(node.text))
    return new Misfit(`expected base64, got ${shown(node)}`);
  return Buffer.from(node.text, 'base64');
}

function readDouble(type: string, node: ScalarNode): number | Misfit {
  if (typeof node.value === 'number') return node.value;
  if (typeof node.value === 'string') {
    const special = SPECIAL_NUMBERS.get(node.value);
    if (special !== undefined) return special;
    const number = Number(node.value);
    if (node.value.trim() !== '' && Number.isFinite(number)) return number;
  }
  return new Misfit(`expected a number (${type}), got ${shown(node)}`);
}

function readInteger(type: string, node: ScalarNode): number | Misfit {
  const quoted = typeof node.value === 'string' && /^-?\d+$/.test(node.value);
  const number = quoted ? Number(node.value) : node.value;
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    return new Misfit(`expected a whole number (${type}), got ${shown(node)}`);
  }
  const [low, high] = RANGES[type] ?? [0, 0];
  if (number < low || number > high)
    return new Misfit(`${shown(node)} is out of range for ${type} (${low} to ${high})`);
  // `-0` is 0 in protobuf.
  return number === 0 ? 0 : number;
}
