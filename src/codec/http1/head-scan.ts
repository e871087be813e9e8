/**
 * The strict scanner of a message head (RFC 9112, sections 2 to 5): finds and checks every part of a head that lies whole in
 * one buffer, in one pass over its bytes, and makes a `HeaderList` of it.
 *
 * It stands under `MessageReader`, which knows where heads begin and glues a cut one together. One scanner serves all codecs
 * of the thread: its state lives only from `scan…` to `take…`, with no callback between. Nothing is decoded before the whole
 * head is known to be good; then one latin1 string is made of it and the values are substrings (no copy).
 *
 *   GET /path HTTP/1.1 CR LF  name: OWS value OWS CR LF  …  CR LF
 *       ^target        ^minor ^names[i]  ^spans[2i] ^spans[2i+1]
 */
import { HeaderList } from '../header-map.ts';
import { headerNames, hashStep, TOKEN, type HeaderName } from '../header-name.ts';
import { latin1 } from '../../base/latin1.ts';
import { methodOf } from './method.ts';
import { badName, BROKEN_URL, REJECTIONS, type Rejection } from './rejection.ts';

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const TAB = 0x09;
const DEL = 0x7f;
const COLON = 0x3a;

/** Most entries of a head that any setting allows. */
const MAX_ENTRIES = 16_384;

/** What a scan found. `cut`: the buffer ends inside the head. `refused`: see `rejection`. */
export type ScanResult = 'whole' | 'cut' | 'refused';

export class HeadScan {
  rejection: Rejection = REJECTIONS.codecError;
  /** Length of the head in bytes, its empty line included; after `whole`. */
  length = 0;
  count = 0;
  /** HTTP/1.x: x. */
  minor = 1;
  status = 0;
  underscores = 0;
  /** Host fields; they are no entries of the list but its authority. */
  hosts = 0;
  /** Entries that `HeadFacts` must look at. */
  special = 0;
  /** Work done, in bytes looked at: tests hold it linear. */
  steps = 0;
  #source: Buffer = Buffer.alloc(0);
  #start = 0;
  #at = 0;
  #end = 0;
  #methodEnd = 0;
  #targetEnd = 0;
  readonly #names: HeaderName[] = [];
  #spans = new Int32Array(512);

  /** Scans a request head at `[start, end)`; `maxEntries` header lines at most. */
  scanRequest(source: Buffer, start: number, end: number, maxEntries: number): ScanResult {
    this.#begin(source, start, end);
    const line = this.#requestLine();
    const result = line === 'whole' ? this.#fields(maxEntries) : line;
    this.steps += this.#at - start;
    return result;
  }

  scanResponse(source: Buffer, start: number, end: number, maxEntries: number): ScanResult {
    this.#begin(source, start, end);
    const line = this.#statusLine();
    const result = line === 'whole' ? this.#fields(maxEntries) : line;
    this.steps += this.#at - start;
    return result;
  }

  /** Header lines only, up to the empty line: a trailer section. */
  scanTrailers(source: Buffer, start: number, end: number, maxEntries: number): ScanResult {
    this.#begin(source, start, end);
    const result = this.#fields(maxEntries);
    this.steps += this.#at - start;
    return result;
  }

  /** The list of the scanned request: method and target (in `path`, as it came) are set. */
  takeRequest(): HeaderList {
    const text = latin1(this.#source, this.#start, this.#start + this.length);
    const list = this.#list(text);
    const methodEnd = this.#methodEnd - this.#start;
    list.method = list.checkedMethod = methodOf(text, methodEnd);
    list.path = list.checkedPath = text.substring(methodEnd + 1, this.#targetEnd - this.#start);
    return list;
  }

  takeResponse(): HeaderList {
    const list = this.#list(latin1(this.#source, this.#start, this.#start + this.length));
    list.status = this.status;
    return list;
  }

  /** Fields that frame, route or authenticate a message have no meaning behind it (RFC 9110, 6.5.1) and are left out. */
  takeTrailers(): HeaderList {
    const all = this.#list(latin1(this.#source, this.#start, this.#start + this.length));
    const kept = new HeaderList(all.size);
    kept.byteSize = all.byteSize;
    for (let index = 0; index < all.size; index += 1) {
      const name = all.entryName(index);
      if (name.kind === 'plain') kept.addParsed(name, all.valueAt(index));
    }
    return kept;
  }

  #list(text: string): HeaderList {
    const list = new HeaderList(this.count);
    list.byteSize = this.length;
    const spans = this.#spans;
    for (let index = 0; index < this.count; index += 1) {
      const name = this.#names[index];
      if (name === undefined) break;
      const value = text.substring(spans[2 * index] ?? 0, spans[2 * index + 1] ?? 0);
      if (name.kind === 'plain') list.addParsed(name, value);
      else this.#addNotable(list, name, value);
    }
    return list;
  }

  #addNotable(list: HeaderList, name: HeaderName, value: string): void {
    if (name.kind === 'host') {
      this.hosts += 1;
      list.authority = list.checkedAuthority = value;
      list.hostSpelling = name.wire;
      return;
    }
    if (name.kind !== 'routing' && name.kind !== 'hop') this.special += 1;
    list.addParsed(name, value);
  }

  #begin(source: Buffer, start: number, end: number): void {
    this.#source = source;
    this.#start = start;
    this.#at = start;
    this.#end = end;
    this.length = 0;
    this.count = 0;
    this.underscores = 0;
    this.hosts = 0;
    this.special = 0;
  }

  #refuse(rejection: Rejection): ScanResult {
    this.rejection = rejection;
    return 'refused';
  }

  /** method SP request-target SP HTTP/1.x CR LF, single spaces only. */
  #requestLine(): ScanResult {
    const source = this.#source;
    const end = this.#end;
    let at = this.#at;
    while (at < end && TOKEN[source[at] ?? 0] === 1) at += 1;
    this.#at = at;
    if (at === end) return 'cut';
    if (source[at] !== SP || at === this.#start) return this.#refuse(REJECTIONS.codecError);
    this.#methodEnd = at;
    at += 1;
    const target = at;
    let byte = 0;
    while (at < end && (byte = source[at] ?? 0) > SP && byte < DEL) at += 1;
    this.#at = at;
    if (at === end) return 'cut';
    if (byte > SP) return this.#refuse(BROKEN_URL);
    if (byte !== SP || at === target) return this.#refuse(REJECTIONS.codecError);
    this.#targetEnd = at;
    this.#at = at + 1;
    return this.#version() ?? this.#lineEnd();
  }

  /** HTTP/1.x SP 3DIGIT [ SP reason ] CR LF. */
  #statusLine(): ScanResult {
    const bad = this.#version();
    if (bad !== null) return bad;
    const source = this.#source;
    let at = this.#at;
    if (at < this.#end && source[at] !== SP) return this.#refuse(REJECTIONS.codecError);
    at += 1;
    let status = 0;
    for (let digit = 0; digit < 3; digit += 1, at += 1) {
      if (at >= this.#end) return 'cut';
      const value = (source[at] ?? 0) - 0x30;
      if (value < 0 || value > 9) return this.#refuse(REJECTIONS.codecError);
      status = status * 10 + value;
    }
    if (status < 100) return this.#refuse(REJECTIONS.codecError);
    this.status = status;
    if (at < this.#end && source[at] !== CR && source[at] !== SP) return this.#refuse(REJECTIONS.codecError);
    this.#at = this.#textEnd(at);
    return this.#lineEnd();
  }

  /** `HTTP/1.0` or `HTTP/1.1`, nothing else: every other version is another protocol. Null: it is there. */
  #version(): ScanResult | null {
    const source = this.#source;
    for (let index = 0; index < VERSION.length; index += 1) {
      const at = this.#at + index;
      if (at >= this.#end) return 'cut';
      if (source[at] !== VERSION[index]) return this.#refuse(REJECTIONS.codecError);
    }
    const at = this.#at + VERSION.length;
    if (at >= this.#end) return 'cut';
    const minor = (source[at] ?? 0) - 0x30;
    if (minor !== 0 && minor !== 1) return this.#refuse(REJECTIONS.codecError);
    this.minor = minor;
    this.#at = at + 1;
    return null;
  }

  /** CR LF at the current place, each of them alone refused. */
  #lineEnd(): ScanResult {
    const at = this.#at;
    if (at >= this.#end) return 'cut';
    const byte = this.#source[at] ?? 0;
    if (byte !== CR) return this.#refuse(byte === LF ? REJECTIONS.codecError : REJECTIONS.invalidCharacters);
    if (at + 1 >= this.#end) return 'cut';
    if (this.#source[at + 1] !== LF) return this.#refuse(REJECTIONS.codecError);
    this.#at = at + 2;
    return 'whole';
  }

  /** First byte from `at` that is no field text: HTAB, SP, VCHAR, obs-text pass. */
  #textEnd(from: number): number {
    const source = this.#source;
    const end = this.#end;
    let at = from;
    while (at < end) {
      const byte = source[at] ?? 0;
      if (byte < SP ? byte !== TAB : byte === DEL) break;
      at += 1;
    }
    return at;
  }

  /** Header lines up to and with the empty line. */
  #fields(maxEntries: number): ScanResult {
    const limit = Math.min(maxEntries, MAX_ENTRIES);
    while (this.#at < this.#end) {
      if (this.#source[this.#at] === CR) {
        const last = this.#lineEnd();
        if (last === 'whole') this.length = this.#at - this.#start;
        return last;
      }
      if (this.count === limit) return this.#refuse(REJECTIONS.tooManyHeaders);
      const line = this.#field();
      if (line !== 'whole') return line;
    }
    return 'cut';
  }

  #field(): ScanResult {
    const source = this.#source;
    const end = this.#end;
    const nameStart = this.#at;
    let at = nameStart;
    let hash = 0;
    let byte = 0;
    while (at < end && TOKEN[(byte = source[at] ?? 0)] === 1) {
      hash = hashStep(hash, byte);
      at += 1;
    }
    this.#at = at;
    if (at === end) return 'cut';
    if (byte !== COLON || at === nameStart) return this.#refuse(badName(byte));
    const name = headerNames.find(source, nameStart, at, hash);
    at += 1;
    while (at < end && ((byte = source[at] ?? 0) === SP || byte === TAB)) at += 1;
    const valueStart = at;
    at = this.#textEnd(at);
    let valueEnd = at;
    this.#at = at;
    const line = this.#lineEnd();
    if (line !== 'whole') return line;
    while (valueEnd > valueStart && ((byte = source[valueEnd - 1] ?? 0) === SP || byte === TAB))
      valueEnd -= 1;
    this.#keep(name, valueStart, valueEnd);
    return 'whole';
  }

  #keep(name: HeaderName, valueStart: number, valueEnd: number): void {
    const index = this.count;
    if (2 * index >= this.#spans.length) this.#growSpans();
    this.#names[index] = name;
    this.#spans[2 * index] = valueStart - this.#start;
    this.#spans[2 * index + 1] = valueEnd - this.#start;
    if (name.underscore) this.underscores += 1;
    this.count = index + 1;
  }

  #growSpans(): void {
    const grown = new Int32Array(this.#spans.length * 2);
    grown.set(this.#spans);
    this.#spans = grown;
  }
}

const VERSION = Buffer.from('HTTP/1.');

/** The thread's scanner. */
export const headScan: HeadScan = new HeadScan();
