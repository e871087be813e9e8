/**
 * YAML (and with it JSON) into a tree whose every node knows where it stands in the text.
 *
 *   text -> js-yaml's flat events -> nodes { source, at }
 *
 * Kept small on purpose: scalars by YAML's core schema, no tags, no merge keys, scalar keys only, keys unique, one document.
 * An alias gives the anchored node itself, never a copy; an anchor is known only once its node is complete, so the tree has
 * no cycle. Expanding shared nodes can still be exponential: whoever walks the tree counts (see `message-reader.ts`).
 */
import { CORE_SCHEMA, EVENT_ID, SCALAR_STYLE, YAMLException, getScalarValue, parseEvents } from 'js-yaml';
import type { Event } from 'js-yaml';
import type { IssueList } from './config-error.ts';

/** Deeper than any message of Envoy's; shallow enough for recursion. */
export const MAX_DEPTH = 100;

export class Source {
  readonly file: string;
  readonly text: string;
  #lineStarts: number[] | null = null;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** Line and column from 1. The table of lines is made when the first error asks for it. */
  positionOf(offset: number): { readonly line: number; readonly column: number } {
    this.#lineStarts ??= lineStartsOf(this.text);
    const starts = this.#lineStarts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** A place in a text. */
export interface Spot {
  readonly source: Source;
  readonly at: number;
}

export interface ScalarNode extends Spot {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As written, without quotes and escapes. */
  readonly text: string;
  readonly plain: boolean;
}

export interface MapEntry {
  readonly key: ScalarNode;
  readonly value: TreeNode;
}

export interface MapNode extends Spot {
  readonly kind: 'map';
  readonly entries: MapEntry[];
}

export interface ListNode extends Spot {
  readonly kind: 'list';
  readonly items: TreeNode[];
}

export type TreeNode = ScalarNode | MapNode | ListNode;

export function isNull(node: TreeNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** Null: the text is empty, or it is no YAML, which has been reported. */
export function parseTree(source: Source, issues: IssueList): TreeNode | null {
  const text = source.text.startsWith('\uFEFF') ? ` ${source.text.slice(1)}` : source.text;
  try {
    const builder = new TreeBuilder(source, text);
    for (const event of parseEvents(text, { maxDepth: MAX_DEPTH })) builder.take(event);
    return builder.root;
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    issues.add({ source, at: error.mark?.position ?? 0 }, '', `not valid YAML: ${error.reason}`);
    return null;
  }
}

/** A collection being filled; `key` waits for its value. */
interface Open {
  readonly node: MapNode | ListNode | null;
  readonly anchor: string;
  readonly keys: Set<string>;
  key: ScalarNode | null;
}

class TreeBuilder {
  root: TreeNode | null = null;
  readonly #source: Source;
  readonly #text: string;
  readonly #open: Open[] = [];
  readonly #anchors = new Map<string, TreeNode>();
  #documents = 0;

  constructor(source: Source, text: string) {
    this.#source = source;
    this.#text = text;
  }

  take(event: Event): void {
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        if (++this.#documents > 1) this.#fail(this.#text.length, 'more than one document');
        this.#open.push({ node: null, anchor: '', keys: new Set(), key: null });
        break;
      case EVENT_ID.MAPPING:
        this.#begin({ kind: 'map', source: this.#source, at: event.start, entries: [] }, event);
        break;
      case EVENT_ID.SEQUENCE:
        this.#begin({ kind: 'list', source: this.#source, at: event.start, items: [] }, event);
        break;
      case EVENT_ID.SCALAR:
        this.#scalar(event);
        break;
      case EVENT_ID.ALIAS: {
        const name = this.#text.slice(event.anchorStart, event.anchorEnd);
        const node = this.#anchors.get(name);
        if (node === undefined) this.#fail(event.anchorStart, `unknown alias "${name}"`);
        this.#attach(node, event.anchorStart);
        break;
      }
      case EVENT_ID.POP:
        this.#end();
        break;
    }
  }

  #begin(
    node: MapNode | ListNode,
    event: Event & { anchorStart: number; anchorEnd: number; tagStart: number },
  ): void {
    this.#refuseTag(event.tagStart);
    this.#attach(node, node.at);
    const anchor = event.anchorStart >= 0 ? this.#text.slice(event.anchorStart, event.anchorEnd) : '';
    this.#open.push({ node, anchor, keys: new Set(), key: null });
  }

  #end(): void {
    const done = this.#open.pop();
    if (done?.node && done.anchor !== '') this.#anchors.set(done.anchor, done.node);
  }

  #scalar(event: Extract<Event, { type: typeof EVENT_ID.SCALAR }>): void {
    this.#refuseTag(event.tagStart);
    const text = getScalarValue(this.#text, event);
    const plain = event.style === SCALAR_STYLE.PLAIN;
    const top = this.#open.at(-1);
    const isKey = top?.node?.kind === 'map' && top.key === null;
    const value = plain && !isKey ? plainValue(text) : text;
    const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
    const node: ScalarNode = {
      kind: 'scalar',
      source: this.#source,
      at: event.valueStart - (quoted ? 1 : 0),
      value,
      text,
      plain,
    };
    if (event.anchorStart >= 0) this.#anchors.set(this.#text.slice(event.anchorStart, event.anchorEnd), node);
    this.#attach(node, node.at);
  }

  #attach(node: TreeNode, at: number): void {
    const top = this.#open.at(-1);
    if (!top?.node) {
      this.root = node;
    } else if (top.node.kind === 'list') {
      top.node.items.push(node);
    } else if (top.key === null) {
      if (node.kind !== 'scalar') this.#fail(at, 'a key must be a plain value');
      if (top.keys.has(node.text)) this.#fail(at, `duplicate key "${node.text}"`);
      top.keys.add(node.text);
      top.key = node;
    } else {
      top.node.entries.push({ key: top.key, value: node });
      top.key = null;
    }
  }

  #refuseTag(start: number): void {
    if (start >= 0) this.#fail(start, 'tags are not supported');
  }

  #fail(at: number, message: string): never {
    YAMLException.throwAt(this.#text, Math.max(at, 0), message);
  }
}

function plainValue(text: string): string | number | boolean | null {
  const { value } = CORE_SCHEMA.resolveImplicitScalarTag(text);
  return value === null || typeof value === 'number' || typeof value === 'boolean' ? value : text;
}
