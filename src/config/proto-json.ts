/**
 * A message back into protobuf's JSON mapping, for `/config_dump`: durations as `"15s"`, 64-bit integers as strings, bytes as
 * base64, an `Any` with its `type.googleapis.com/` prefix. What it prints can be fed back as a configuration.
 */
import { envoySchema, wrappedScalar } from './schema.ts';
import type { Field } from './schema.ts';

const ANY_PREFIX = 'type.googleapis.com/';
const REDACTED = '[redacted]';

type Json = Record<string, unknown>;

export function toProtoJson(typeName: string, message: object): Json {
  const type = envoySchema().message(typeName);
  const out: Json = {};
  for (const field of type.fields) {
    const value = (message as Json)[field.name];
    if (value !== undefined) out[field.name] = fieldJson(field, value, singleJson);
  }
  return out;
}

/** A copy of the message in which every field that Envoy marks as sensitive reads `[redacted]`. */
export function redact(typeName: string, message: object): Json {
  const type = envoySchema().message(typeName);
  const out: Json = { ...message };
  for (const field of type.fields) {
    const value = out[field.name];
    if (value === undefined) continue;
    out[field.name] = field.s === 1 ? blackened(value) : fieldJson(field, value, redactedValue);
  }
  return out;
}

function fieldJson(field: Field, value: unknown, single: (field: Field, value: unknown) => unknown): unknown {
  if (field.k !== undefined) {
    return Object.fromEntries(Object.entries(value as Json).map(([key, item]) => [key, single(field, item)]));
  }
  return Array.isArray(value) ? value.map((item) => single(field, item)) : single(field, value);
}

function redactedValue(field: Field, value: unknown): unknown {
  if (field.m === 'google.protobuf.Any') return redact(String((value as Json)['@type']), value as Json);
  if (field.m === undefined || field.m.startsWith('google.protobuf.')) return value;
  return redact(field.m, value as Json);
}

/** Everything inside: texts and bytes are replaced, numbers and flags removed by becoming 0 and false. */
function blackened(value: unknown): unknown {
  if (typeof value === 'string') return REDACTED;
  if (Buffer.isBuffer(value)) return Buffer.from(REDACTED);
  if (typeof value === 'number') return 0;
  if (typeof value === 'boolean') return false;
  if (Array.isArray(value)) return value.map(blackened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === '@type' ? item : blackened(item)]),
  );
}

function singleJson(field: Field, value: unknown): unknown {
  if (field.m === undefined) return scalarJson(field.t ?? '', value);
  const wrapped = wrappedScalar(field.m);
  if (wrapped !== '') return scalarJson(wrapped, value);
  switch (field.m) {
    case 'google.protobuf.Duration':
      return durationText(Number(value));
    case 'google.protobuf.Any': {
      const { '@type': name, ...rest } = value as Json;
      return { '@type': ANY_PREFIX + String(name), ...toProtoJson(String(name), rest) };
    }
  }
  return field.m.startsWith('google.protobuf.') ? value : toProtoJson(field.m, value as Json);
}

function scalarJson(type: string, value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (typeof value !== 'number') return value;
  // JSON has no NaN and no infinity; protobuf writes them as words.
  return type.endsWith('64') || !Number.isFinite(value) ? String(value) : value;
}

/** ms -> `"1.500s"`: whole seconds, or 3, 6 or 9 digits after the point. */
export function durationText(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  let seconds = Math.trunc(Math.abs(ms) / 1000);
  let nanos = Math.round((Math.abs(ms) % 1000) * 1e6);
  if (nanos === 1e9) {
    seconds++;
    nanos = 0;
  }
  if (nanos === 0) return `${sign}${seconds}s`;
  const digits = String(nanos)
    .padStart(9, '0')
    .replace(/(?:000){1,2}$/, '');
  return `${sign}${seconds}.${digits}s`;
}
