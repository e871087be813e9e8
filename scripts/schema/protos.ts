/**
 * Reads the .proto tree that `@grpc/grpc-js-xds` ships into the plain model that the outputs are printed from.
 *
 *   schema-roots.txt -> protobufjs (parser only) -> SchemaModel, with our own messages laid over it
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import type {
  EnumDescriptor,
  FieldDescriptor,
  MessageDescriptor,
  SchemaModel,
} from '../../src/config/descriptor.ts';
import { OWN_FIELDS, OWN_MESSAGES } from './own-messages.ts';
import { rulesOf } from './rules.ts';

const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url));
const TREE = `${MODULES}@grpc/grpc-js-xds/deps/`;
const FOLDERS = ['envoy-api/', 'xds/', 'googleapis/', 'protoc-gen-validate/']
  .map((folder) => TREE + folder)
  .concat(`${MODULES}protobufjs/`);

/** Versions before v3 and the vocabulary of the definitions themselves. */
const FOREIGN = /^validate\.|\.v2(alpha)?\.|\.v1(alpha1)?\.|\.v2alpha|v1alpha/;
const WELL_KNOWN =
  /^google\.protobuf\.(Any|Duration|Timestamp|Struct|Value|ListValue|Empty|NullValue|\w+Value)$/;
const GOOGLE = /^google\.(api|protobuf)\./;

export function readProtos(rootsFile: string): SchemaModel {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, file) => {
    const folder = FOLDERS.find((candidate) => existsSync(candidate + file));
    return folder === undefined ? file : folder + file;
  };
  const roots = readFileSync(rootsFile, 'utf8').trim().split('\n');
  root.loadSync(roots, { keepCase: true });
  root.resolveAll();
  const messages = new Map<string, MessageDescriptor>();
  const enums = new Map<string, EnumDescriptor>();
  walk(root, messages, enums);
  addMissing(root, messages, enums);
  for (const [name, message] of Object.entries(OWN_MESSAGES)) messages.set(name, message);
  for (const [name, fields] of Object.entries(OWN_FIELDS)) {
    const known = messages.get(name);
    if (known === undefined) throw new Error(`own fields of an unknown message ${name}`);
    for (const field of Object.keys(fields)) {
      if (known.f[field] !== undefined) throw new Error(`${name}.${field} is part of the definitions by now`);
    }
    messages.set(name, { ...known, f: { ...known.f, ...fields } });
  }
  return { messages: sorted(messages), enums: sorted(enums) };
}

function sorted<T>(map: Map<string, T>): Map<string, T> {
  return new Map([...map].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function walk(
  namespace: protobuf.NamespaceBase,
  messages: Map<string, MessageDescriptor>,
  enums: Map<string, EnumDescriptor>,
): void {
  for (const item of namespace.nestedArray) {
    const name = item.fullName.slice(1);
    if (item instanceof protobuf.Enum) {
      if (wanted(name)) enums.set(name, item.values);
    } else if (item instanceof protobuf.Type) {
      if (wanted(name)) messages.set(name, messageOf(item));
      walk(item, messages, enums);
    } else if (item instanceof protobuf.Namespace) {
      walk(item, messages, enums);
    }
  }
}

/** What a kept message refers to is kept too, wherever it stands (expressions of CEL, `FieldMask`). */
function addMissing(
  root: protobuf.Root,
  messages: Map<string, MessageDescriptor>,
  enums: Map<string, EnumDescriptor>,
): void {
  const queue = [...messages.values()];
  for (let message = queue.pop(); message !== undefined; message = queue.pop()) {
    for (const field of Object.values(message.f)) {
      if (field.e !== undefined && !enums.has(field.e)) enums.set(field.e, root.lookupEnum(field.e).values);
      if (field.m === undefined || messages.has(field.m)) continue;
      const added = messageOf(root.lookupType(field.m));
      messages.set(field.m, added);
      queue.push(added);
    }
  }
}

function wanted(name: string): boolean {
  if (GOOGLE.test(name)) return WELL_KNOWN.test(name);
  return !FOREIGN.test(name);
}

function messageOf(type: protobuf.Type): MessageDescriptor {
  const fields: Record<string, FieldDescriptor> = {};
  for (const field of type.fieldsArray) fields[field.name] = fieldOf(field);
  const required = type.oneofsArray
    .filter((oneof) => oneof.options?.['(validate.required)'] === true)
    .map((oneof) => oneof.name);
  return required.length > 0 ? { f: fields, q: required } : { f: fields };
}

function fieldOf(field: protobuf.Field): FieldDescriptor {
  const out: Record<string, unknown> = { n: field.id };
  const type = field.resolvedType;
  if (type instanceof protobuf.Enum) out['e'] = type.fullName.slice(1);
  else if (type instanceof protobuf.Type) out['m'] = type.fullName.slice(1);
  else out['t'] = field.type;
  if (field instanceof protobuf.MapField) out['k'] = field.keyType;
  if (field.repeated) out['r'] = 1;
  if (field.repeated && field.packed && type === null && !/^(string|bytes)$/.test(field.type)) out['p'] = 1;
  // `optional` of proto3 is parsed as a oneof of one member, named with a leading underscore.
  if (field.partOf && !field.partOf.name.startsWith('_')) out['o'] = field.partOf.name;
  if (field.options?.['deprecated'] === true) out['d'] = 1;
  if (field.options?.['(udpa.annotations.sensitive)'] === true) out['s'] = 1;
  const parsed: unknown = field.parsedOptions;
  const rules = rulesOf(Array.isArray(parsed) ? parsed : undefined, field.fullName);
  if (rules !== undefined) out['v'] = rules;
  return out as unknown as FieldDescriptor;
}
