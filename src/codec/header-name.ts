/**
 * Header names, interned: one `HeaderName` per spelling seen on the wire, shared by all messages of the thread.
 *
 * A parser asks by bytes (`HeaderNameTable.find`), filters ask by string (`headerName`). Both give the same object, so that a
 * name is lower-cased, checked and classified once, and an encoder finds its text (`\r\nname: `) ready. The lower-case
 * strings are V8-internalised: comparing two of them is a comparison of pointers.
 *
 *   bytes on the wire --hash--> slot (4 probes) --> HeaderName { lower, wire, kind, fields }
 *
 * Bounded: a peer that invents names replaces learned slots, never the known ones, and costs itself speed only.
 */
import { invariant } from '../base/invariant.ts';
import { latin1 } from '../base/latin1.ts';
import { KNOWN_HEADERS } from './known-headers.ts';

/** What a codec must know of a name. `hop`: for one connection only, never written from the map. `routing`: see trailers. */
export type HeaderKind =
  | 'plain'
  | 'content-length'
  | 'transfer-encoding'
  | 'connection'
  | 'upgrade'
  | 'host'
  | 'http2-settings'
  | 'hop'
  | 'routing';

const KINDS = new Map<string, HeaderKind>([
  ['content-length', 'content-length'],
  ['transfer-encoding', 'transfer-encoding'],
  ['connection', 'connection'],
  ['upgrade', 'upgrade'],
  ['host', 'host'],
  ['http2-settings', 'http2-settings'],
  ['keep-alive', 'hop'],
  ['proxy-connection', 'hop'],
  ...[
    'te',
    'trailer',
    'expect',
    'max-forwards',
    'authorization',
    'proxy-authorization',
    'proxy-authenticate',
    'www-authenticate',
    'cookie',
    'set-cookie',
    'content-encoding',
    'content-type',
    'content-range',
    'range',
    'cache-control',
    'date',
    'location',
    'retry-after',
    'vary',
    'age',
    'expires',
  ].map((name): [string, HeaderKind] => [name, 'routing']),
]);

/** 1 for the bytes of an RFC 9110 token. */
export const TOKEN: Uint8Array = tokenTable();

function tokenTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (const char of "!#$%&'*+-.^_`|~0123456789") table[char.charCodeAt(0)] = 1;
  for (let code = 0x41; code <= 0x5a; code += 1) {
    table[code] = 1;
    table[code + 0x20] = 1;
  }
  return table;
}

export class HeaderName {
  readonly lower: string;
  /** The spelling on the wire. */
  readonly wire: string;
  readonly kind: HeaderKind;
  readonly underscore: boolean;
  /** Line end of the line before, name, colon: what an encoder puts in front of the value. */
  readonly lowerField: string;
  readonly wireField: string;
  readonly properField: string;

  constructor(spelling: string) {
    this.wire = internalised(spelling);
    this.lower = internalised(spelling.toLowerCase());
    this.kind = KINDS.get(this.lower) ?? 'plain';
    this.underscore = spelling.includes('_');
    this.lowerField = `\r\n${this.lower}: `;
    this.wireField = `\r\n${this.wire}: `;
    this.properField = `\r\n${properCase(this.lower)}: `;
  }
}

/** V8 keeps property keys as internalised strings; taking one back is the way to get it. */
function internalised(text: string): string {
  return Object.keys({ [text]: 0 })[0] ?? text;
}

/** `content-type` -> `Content-Type`, as Envoy's proper-case formatter: a letter behind the start or a non-letter is raised. */
function properCase(lower: string): string {
  return lower.replace(
    /(^|[^a-z0-9])([a-z])/g,
    (_match, before: string, letter: string) => before + letter.toUpperCase(),
  );
}

/** Names that filters ask for are kept up to this many; beyond it they are made anew each time. */
const MAX_NAMES = 4096;
const names = new Map<string, HeaderName>();
/** Longer names are rare and not worth keeping. */
const MAX_LENGTH = 64;

/** The name of that spelling. Throws if it is no token: a filter would break the message with it. */
export function headerName(spelling: string): HeaderName {
  const known = names.get(spelling);
  if (known !== undefined) return known;
  invariant(isToken(spelling), 'header name is a token');
  const made = new HeaderName(spelling);
  if (names.size < MAX_NAMES && spelling.length <= MAX_LENGTH) names.set(made.wire, made);
  return made;
}

export function isToken(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) > 0xff || TOKEN[text.charCodeAt(index)] === 0) return false;
  }
  return text.length > 0;
}

const SLOTS = 2048;
const PROBES = 4;

/** Bytes on the wire -> `HeaderName`. One per thread: `headerNames`. */
export class HeaderNameTable {
  readonly #entries: (HeaderName | undefined)[] = new Array<HeaderName | undefined>(SLOTS).fill(undefined);
  readonly #hashes = new Int32Array(SLOTS);
  readonly #lengths = new Uint8Array(SLOTS);
  readonly #fixed = new Uint8Array(SLOTS);
  readonly #bytes = new Uint8Array(SLOTS * MAX_LENGTH);

  constructor(known: readonly string[]) {
    for (const lower of known) {
      this.#preload(lower);
      this.#preload(properCase(lower));
    }
  }

  /** `hash` is `hashOf` over the bytes, which must be token bytes: the parser has it from its pass over them. */
  find(source: Buffer, start: number, end: number, hash: number): HeaderName {
    const length = end - start;
    for (let probe = 0; probe < PROBES; probe += 1) {
      const slot = (hash + probe) & (SLOTS - 1);
      if (this.#hashes[slot] !== hash || this.#lengths[slot] !== length) continue;
      let at = slot * MAX_LENGTH;
      let from = start;
      while (from < end && this.#bytes[at] === source[from]) {
        at += 1;
        from += 1;
      }
      const entry = this.#entries[slot];
      if (from === end && entry !== undefined) return entry;
    }
    return this.#learn(source, start, end, hash);
  }

  #learn(source: Buffer, start: number, end: number, hash: number): HeaderName {
    const spelling = latin1(source, start, end);
    // Not kept among the names of filters: a peer can invent any number of them, each as long as a head.
    const name = names.get(spelling) ?? new HeaderName(spelling);
    if (end - start <= MAX_LENGTH) this.#store(name, hash, 0);
    return name;
  }

  #store(name: HeaderName, hash: number, fixed: number): void {
    const slot = this.#slotFor(hash);
    if (slot === -1) return;
    this.#entries[slot] = name;
    this.#hashes[slot] = hash;
    this.#lengths[slot] = name.wire.length;
    this.#fixed[slot] = fixed;
    for (let index = 0; index < name.wire.length; index += 1) {
      this.#bytes[slot * MAX_LENGTH + index] = name.wire.charCodeAt(index);
    }
  }

  /** A free slot among the probes, else the first learned one, -1 if all hold known names. */
  #slotFor(hash: number): number {
    let replaceable = -1;
    for (let probe = 0; probe < PROBES; probe += 1) {
      const slot = (hash + probe) & (SLOTS - 1);
      if (this.#entries[slot] === undefined) return slot;
      if (replaceable === -1 && this.#fixed[slot] === 0) replaceable = slot;
    }
    return replaceable;
  }

  #preload(spelling: string): void {
    let hash = 0;
    for (let index = 0; index < spelling.length; index += 1)
      hash = hashStep(hash, spelling.charCodeAt(index));
    this.#store(headerName(spelling), hash, 1);
  }
}

/** One byte of the hash that `find` expects; starts at 0. */
export function hashStep(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

export const headerNames: HeaderNameTable = new HeaderNameTable(KNOWN_HEADERS);
