/**
 * A YAML tree into a message, driven by the schema.
 *
 *   TreeNode + MessageType -> plain object, field names as in the definitions
 *
 * All findings go into one `IssueList` and reading goes on, so that the operator sees everything at once. What could not be
 * read is absent from the result, and a result with issues is never used. It also remembers which node each message came from
 * (`spotOf`): checks that come later name a place in the text too.
 *
 * Kept: the cost is bounded whatever the text (nodes are counted, because aliases can repeat a node exponentially).
 */
import type { IssueList } from './config-error.ts';
import { MessageRules, join } from './message-rules.ts';
import { Misfit, kindOf, readDuration, readEnum, readScalar, readTimestamp } from './scalars.ts';
import { snakeCase, wrappedScalar } from './schema.ts';
import type { Field, MessageType, Schema } from './schema.ts';
import { suggestion } from './suggestion.ts';
import type { Support } from './support.ts';
import { MAX_DEPTH, isNull } from './yaml-tree.ts';
import type { MapEntry, MapNode, ScalarNode, Spot, TreeNode } from './yaml-tree.ts';

/** Values that a text may expand to; a longer one may have as many as it has characters, which only aliases exceed. */
const LEAST_BUDGET = 1_000_000;

export type Message = Record<string, unknown>;

export interface ReaderOptions {
  readonly schema: Schema;
  readonly issues: IssueList;
  /** What the proxy implements; null: everything that Envoy knows is let through. */
  readonly support: Support | null;
  /** Whether to check the rules of the definitions. */
  readonly rules: boolean;
  readonly textLength?: number;
}

class BudgetSpent extends Error {}

export class MessageReader {
  readonly #schema: Schema;
  readonly #issues: IssueList;
  readonly #support: Support | null;
  readonly #rules: MessageRules | null;
  readonly #nodes = new Map<object, MapNode>();
  readonly #budget: number;
  #visited = 0;
  #depth = 0;

  constructor(options: ReaderOptions) {
    this.#schema = options.schema;
    this.#issues = options.issues;
    this.#budget = Math.max(LEAST_BUDGET, options.textLength ?? 0);
    this.#support = options.support;
    this.#rules = options.rules ? new MessageRules(options.issues, options.support) : null;
  }

  /** The root message. A null tree (an empty file) is an empty message. */
  read(typeName: string, node: TreeNode | null): Message {
    try {
      const type = this.#schema.message(typeName);
      return node === null || isNull(node) ? {} : (this.#message(type, node, '', false) ?? {});
    } catch (error) {
      if (!(error instanceof BudgetSpent)) throw error;
      const most = this.#budget;
      this.#issues.add(node, '', `expands to more than ${most} values: too large, or aliases that multiply`);
      return {};
    }
  }

  /** Where `field` of a message that was read here stands, else where the message itself begins. */
  spotOf(message: object, field = ''): Spot | null {
    const node = this.#nodes.get(message);
    if (node === undefined) return null;
    return node.entries.find((entry) => snakeCase(entry.key.text) === field)?.value ?? node;
  }

  #message(type: MessageType, node: TreeNode, path: string, isAny: boolean): Message | undefined {
    if (node.kind !== 'map') {
      this.#issues.add(node, path, `expected a mapping (${type.name}), got ${kindOf(node)}`);
      return undefined;
    }
    this.#enter(node, path);
    const message: Message = {};
    const failed = new Set<string>();
    const oneofs = new Map<string, string>();
    for (const entry of node.entries) {
      if (!(isAny && entry.key.text === '@type')) this.#entry(type, entry, path, message, failed, oneofs);
    }
    this.#rules?.check({ type, node, path, message, failed, oneofs });
    this.#nodes.set(message, node);
    this.#depth--;
    return message;
  }

  #entry(
    type: MessageType,
    entry: MapEntry,
    path: string,
    message: Message,
    failed: Set<string>,
    oneofs: Map<string, string>,
  ): void {
    const name = entry.key.text;
    const field = type.byName.get(name);
    if (field === undefined) {
      const near = suggestion(name, type.byName.keys());
      this.#issues.add(entry.key, join(path, name), `unknown field "${name}" in ${type.name}${near}`);
      return;
    }
    const at = join(path, field.name);
    if (isNull(entry.value) && field.m !== 'google.protobuf.Value') return;
    if (Object.hasOwn(message, field.name) || failed.has(field.name)) {
      this.#issues.add(entry.key, at, `"${field.name}" is given twice`);
      return;
    }
    if (field.o !== undefined) {
      const other = oneofs.get(field.o);
      if (other !== undefined) this.#issues.add(entry.key, at, `cannot be given together with "${other}"`);
      oneofs.set(field.o, field.name);
    }
    if (this.#support !== null && !this.#support.hasField(type.name, field.name)) {
      failed.add(field.name);
      this.#issues.add(entry.key, at, `known to Envoy, not supported by nodeproxy yet (${type.name})`);
      return;
    }
    const value = this.#field(type, field, entry.value, at);
    if (value === undefined) failed.add(field.name);
    else message[field.name] = value;
  }

  #field(type: MessageType, field: Field, node: TreeNode, path: string): unknown {
    if (field.k !== undefined) return this.#map(type, field, node, path);
    if (field.r !== 1) return this.#value(type, field, node, path);
    if (node.kind !== 'list') {
      this.#issues.add(node, path, `expected a list, got ${kindOf(node)}`);
      return undefined;
    }
    this.#enter(node, path);
    const list: unknown[] = [];
    let whole = true;
    for (const [index, item] of node.items.entries()) {
      const value = this.#value(type, field, item, `${path}[${index}]`);
      if (value === undefined) whole = false;
      else list.push(value);
    }
    this.#depth--;
    return whole ? list : undefined;
  }

  #map(type: MessageType, field: Field, node: TreeNode, path: string): unknown {
    if (node.kind !== 'map') {
      this.#issues.add(node, path, `expected a mapping, got ${kindOf(node)}`);
      return undefined;
    }
    this.#enter(node, path);
    const map: Message = {};
    let whole = true;
    for (const entry of node.entries) {
      const at = `${path}[${JSON.stringify(entry.key.text)}]`;
      const value = this.#value(type, field, entry.value, at);
      if (field.k !== 'string' && readScalar(field.k ?? '', entry.key) instanceof Misfit) {
        this.#issues.add(entry.key, at, `expected a key of type ${field.k}`);
      }
      if (field.v?.keys !== undefined)
        this.#rules?.report(field.v.keys, entry.key.text, false, entry.key, at);
      if (value === undefined) whole = false;
      else setOwn(map, entry.key.text, value);
    }
    this.#depth--;
    return whole ? map : undefined;
  }

  /** One value: of a singular field, of a list's item, of a map's entry. Undefined: reported. */
  #value(type: MessageType, field: Field, node: TreeNode, path: string): unknown {
    this.#visit();
    if (field.m !== undefined) return this.#messageValue(type, field, field.m, node, path);
    if (node.kind !== 'scalar' || node.value === null) {
      this.#issues.add(node, path, `expected ${field.t ?? 'one of the names'}, got ${kindOf(node)}`);
      return undefined;
    }
    if (field.e !== undefined) return this.#enumValue(field, field.e, node, path);
    return this.#accept(readScalar(field.t ?? '', node), node, path);
  }

  #enumValue(field: Field, enumName: string, node: ScalarNode, path: string): unknown {
    if (enumName === 'google.protobuf.NullValue') return 'NULL_VALUE';
    const type = this.#schema.enum(enumName);
    const name = readEnum(type, node);
    if (name instanceof Misfit) return this.#accept(name, node, path);
    if (this.#support !== null && !this.#support.hasValue(enumName, name)) {
      this.#issues.add(node, path, `${name} is known to Envoy, not supported by nodeproxy yet (${enumName})`);
      return undefined;
    }
    const forbidden = field.v?.notIn?.includes(type.numbers.get(name) ?? 0) === true;
    if (this.#rules !== null && forbidden) this.#issues.add(node, path, `must not be ${name}`);
    return name;
  }

  #messageValue(type: MessageType, field: Field, name: string, node: TreeNode, path: string): unknown {
    switch (name) {
      case 'google.protobuf.Duration':
        return this.#text(node, path, readDuration);
      case 'google.protobuf.Timestamp':
        return this.#text(node, path, readTimestamp);
      case 'google.protobuf.Any':
        return this.#any(type, field, node, path);
      case 'google.protobuf.Value':
        return this.#json(node, path);
      case 'google.protobuf.Struct':
      case 'google.protobuf.ListValue': {
        const wanted = name.endsWith('Struct') ? 'map' : 'list';
        if (node.kind === wanted) return this.#json(node, path);
        this.#issues.add(
          node,
          path,
          `expected a ${wanted === 'map' ? 'mapping' : 'list'}, got ${kindOf(node)}`,
        );
        return undefined;
      }
    }
    const scalar = wrappedScalar(name);
    if (scalar !== '') return this.#text(node, path, (one) => readScalar(scalar, one));
    return this.#message(this.#schema.message(name), node, path, false);
  }

  #any(type: MessageType, field: Field, node: TreeNode, path: string): unknown {
    if (node.kind !== 'map') {
      this.#issues.add(node, path, `expected a mapping with "@type", got ${kindOf(node)}`);
      return undefined;
    }
    const tag = node.entries.find((entry) => entry.key.text === '@type')?.value;
    if (tag?.kind !== 'scalar' || tag.text === '') {
      this.#issues.add(node, path, 'missing "@type"');
      return undefined;
    }
    const name = tag.text.slice(tag.text.lastIndexOf('/') + 1);
    if (!this.#schema.isMessage(name)) {
      const near = suggestion(name, this.#schema.names());
      this.#issues.add(tag, join(path, '@type'), `unknown type "${name}"${near}`);
      return undefined;
    }
    const refusal = this.#support?.refusedExtension(`${type.name}.${field.name}`, name) ?? '';
    if (refusal !== '') {
      this.#issues.add(tag, join(path, '@type'), `${name}: ${refusal}`);
      return undefined;
    }
    const message = this.#message(this.#schema.message(name), node, path, true);
    if (message === undefined) return undefined;
    const any = { '@type': name, ...message };
    this.#nodes.set(any, node);
    return any;
  }

  /** Free JSON: `Struct`, `Value`. */
  #json(node: TreeNode, path: string): unknown {
    this.#visit();
    if (node.kind === 'scalar') return node.value;
    this.#enter(node, path);
    let json: unknown;
    if (node.kind === 'list') {
      json = node.items.map((item, index) => this.#json(item, `${path}[${index}]`));
    } else {
      const map: Message = {};
      for (const entry of node.entries)
        setOwn(map, entry.key.text, this.#json(entry.value, join(path, entry.key.text)));
      json = map;
    }
    this.#depth--;
    return json;
  }

  #text(node: TreeNode, path: string, read: (node: ScalarNode) => unknown): unknown {
    if (node.kind === 'scalar') return this.#accept(read(node), node, path);
    this.#issues.add(node, path, `expected a single value, got ${kindOf(node)}`);
    return undefined;
  }

  #accept(value: unknown, node: TreeNode, path: string): unknown {
    if (!(value instanceof Misfit)) return value;
    this.#issues.add(node, path, value.message);
    return undefined;
  }

  #visit(): void {
    if (++this.#visited > this.#budget) throw new BudgetSpent();
  }

  /** Aliases can stack what the parser's own limit has seen only side by side. */
  #enter(node: TreeNode, path: string): void {
    this.#visit();
    if (++this.#depth <= 2 * MAX_DEPTH) return;
    this.#issues.add(node, path, 'nested too deeply');
    throw new BudgetSpent();
  }
}

/** A key of the text may be `__proto__`; it must become an entry like any other. */
function setOwn(map: Message, key: string, value: unknown): void {
  Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
}
