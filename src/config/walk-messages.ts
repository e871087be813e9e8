/**
 * Visits every message of a loaded configuration with its type and path, outer before inner. The checks are written per
 * message type (`semantics/`), so none of them has to know where in a bootstrap its message may stand.
 */
import { join } from './message-rules.ts';
import type { Message } from './message-reader.ts';
import type { Field, Schema } from './schema.ts';

export type Visit = (typeName: string, message: Message, path: string) => void;

export function walkMessages(
  schema: Schema,
  typeName: string,
  message: Message,
  path: string,
  visit: Visit,
): void {
  visit(typeName, message, path);
  for (const field of schema.message(typeName).nested) {
    const value = message[field.name];
    if (value === undefined) continue;
    walkField(schema, field, value, join(path, field.name), visit);
  }
}

function walkField(schema: Schema, field: Field, value: unknown, path: string, visit: Visit): void {
  const isAny = field.m === 'google.protobuf.Any';
  const walk = (item: unknown, at: string): void => {
    const message = item as Message;
    walkMessages(schema, isAny ? String(message['@type']) : (field.m ?? ''), message, at, visit);
  };
  if (field.k !== undefined) {
    for (const [key, item] of Object.entries(value as Message)) walk(item, `${path}[${JSON.stringify(key)}]`);
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) walk(item, `${path}[${index}]`);
  } else {
    walk(value, path);
  }
}
