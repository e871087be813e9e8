/**
 * The rules of the definitions on a message that has just been read: its fields one by one, those that are absent, and the
 * oneofs of which one member must be there. Called once per message, after all its fields.
 */
import type { IssueList } from './config-error.ts';
import type { Rules } from './descriptor.ts';
import { brokenRules } from './rules.ts';
import type { Field, MessageType } from './schema.ts';
import type { Support } from './support.ts';
import type { MapNode, Spot } from './yaml-tree.ts';

/** A message as far as it could be read. */
export interface ReadMessage {
  readonly type: MessageType;
  readonly node: MapNode;
  readonly path: string;
  readonly message: Readonly<Record<string, unknown>>;
  /** Fields that were given but could not be read, and have been reported. */
  readonly failed: ReadonlySet<string>;
  /** The member given of each oneof. */
  readonly oneofs: ReadonlyMap<string, string>;
}

export class MessageRules {
  readonly #issues: IssueList;
  readonly #support: Support | null;

  constructor(issues: IssueList, support: Support | null) {
    this.#issues = issues;
    this.#support = support;
  }

  check(read: ReadMessage): void {
    for (const field of read.type.constrained) {
      if (field.v !== undefined && !read.failed.has(field.name)) this.#field(read, field, field.v);
    }
    for (const oneof of read.type.requiredOneofs) {
      if (!read.oneofs.has(oneof)) this.#missingOneof(read, oneof);
    }
  }

  report(rules: Rules, value: unknown, isDuration: boolean, spot: Spot, path: string): void {
    for (const message of brokenRules(rules, value, isDuration)) this.#issues.add(spot, path, message);
  }

  #field(read: ReadMessage, field: Field, rules: Rules): void {
    const { type, node, message } = read;
    const at = join(read.path, field.name);
    const value = message[field.name];
    if (value === undefined) {
      const missing = absent(field, rules);
      if (missing !== '') this.#issues.add(node, at, missing);
      return;
    }
    const spot = node.entries.find((entry) => type.byName.get(entry.key.text) === field)?.value ?? node;
    if (field.e === undefined) this.report(rules, value, field.m === 'google.protobuf.Duration', spot, at);
    if (rules.items === undefined || !Array.isArray(value)) return;
    for (const [index, item] of value.entries()) {
      const itemSpot = spot.kind === 'list' ? (spot.items[index] ?? spot) : spot;
      this.report(rules.items, item, false, itemSpot, `${at}[${index}]`);
    }
  }

  /** Names the members that we implement; all of them where we implement none. */
  #missingOneof(read: ReadMessage, oneof: string): void {
    const members = read.type.fields.filter((field) => field.o === oneof);
    const open = members.filter((field) => this.#support?.hasField(read.type.name, field.name) ?? true);
    const names = (open.length > 0 ? open : members).map((field) => field.name);
    const text = names.length === 1 ? `${names[0]} is required` : `one of ${names.join(', ')} is required`;
    this.#issues.add(read.node, read.path, text);
  }
}

/** What is wrong with leaving the field out; '' = nothing. An absent scalar counts as its zero, as in Envoy. */
function absent(field: Field, rules: Rules): string {
  if (field.k !== undefined) return (rules.minPairs ?? 0) > 0 ? 'required' : '';
  if (field.r === 1) return (rules.minItems ?? 0) > 0 ? brokenRules(rules, [], false).join(', ') : '';
  if (field.o !== undefined) return '';
  if (rules.required === 1) return 'required';
  if (field.t === undefined || field.t === 'bool') return '';
  const zero = field.t === 'string' ? '' : field.t === 'bytes' ? Buffer.alloc(0) : 0;
  return brokenRules(rules, zero, false).join(', ');
}

export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
