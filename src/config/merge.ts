/**
 * Lays one YAML tree over another as protobuf merges messages, for `--config-yaml` over the file: messages merge field by
 * field, lists append, maps take the new entries, everything else is replaced. An `Any` is one value: it is replaced.
 *
 * It works on trees and not on messages, so that each value keeps its place in its own text.
 */
import type { Field, MessageType, Schema } from './schema.ts';
import { wrappedScalar } from './schema.ts';
import type { MapEntry, MapNode, TreeNode } from './yaml-tree.ts';

export function mergeTrees(
  schema: Schema,
  typeName: string,
  base: TreeNode | null,
  over: TreeNode | null,
): TreeNode | null {
  if (base === null || over === null) return over ?? base;
  if (base.kind !== 'map' || over.kind !== 'map') return over;
  return mergeMessage(schema, schema.message(typeName), base, over);
}

function mergeMessage(schema: Schema, type: MessageType, base: MapNode, over: MapNode): MapNode {
  const entries = new Map<Field | string, MapEntry>();
  for (const entry of base.entries) entries.set(type.byName.get(entry.key.text) ?? entry.key.text, entry);
  for (const entry of over.entries) {
    const field = type.byName.get(entry.key.text);
    if (field === undefined) {
      entries.set(entry.key.text, entry);
      continue;
    }
    if (entry.value.kind === 'scalar' && entry.value.value === null) continue;
    const known = entries.get(field);
    if (field.o !== undefined) {
      for (const other of type.fields) if (other !== field && other.o === field.o) entries.delete(other);
    }
    const value = known === undefined ? entry.value : mergeField(schema, field, known.value, entry.value);
    entries.set(field, { key: entry.key, value });
  }
  return { ...base, entries: [...entries.values()] };
}

function mergeField(schema: Schema, field: Field, base: TreeNode, over: TreeNode): TreeNode {
  if (field.k !== undefined || field.m === 'google.protobuf.Struct') {
    return base.kind === 'map' && over.kind === 'map' ? mergeEntries(base, over) : over;
  }
  if (field.r === 1) {
    return base.kind === 'list' && over.kind === 'list'
      ? { ...base, items: [...base.items, ...over.items] }
      : over;
  }
  if (field.m === undefined || field.m.startsWith('google.protobuf.') || wrappedScalar(field.m) !== '')
    return over;
  if (base.kind !== 'map' || over.kind !== 'map') return over;
  return mergeMessage(schema, schema.message(field.m), base, over);
}

function mergeEntries(base: MapNode, over: MapNode): MapNode {
  const entries = new Map(base.entries.map((entry) => [entry.key.text, entry]));
  for (const entry of over.entries) entries.set(entry.key.text, entry);
  return { ...base, entries: [...entries.values()] };
}
