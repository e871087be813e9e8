/**
 * The header map of every message, HTTP/1 or HTTP/2, either direction (`HeaderMap` in `api/http.ts`).
 *
 * Two parallel arrays, names (interned, with their spelling on the wire) and values, in order of arrival; a head has some ten
 * entries, so every look-up is a scan that compares pointers. Arrays are made with room for what a proxy adds.
 *
 * Invariant: no value in the map can break the message that it is written into (CR, LF, NUL, or anything beyond latin1, whose
 * low byte could be one of these). A parser has checked the bytes; `add` and `set` check text. Encoders rely on it.
 */
import type { HeaderMap } from '../api/http.ts';
import { InvariantError, invariant } from '../base/invariant.ts';
import { headerName, isToken, type HeaderName } from './header-name.ts';

/** Entries that filters and the router typically add to a decoded head. */
const ROOM = 10;

export class HeaderList implements HeaderMap {
  method = '';
  path = '';
  authority = '';
  scheme = '';
  protocol = '';
  status = 0;
  byteSize = 0;
  /** Spelling of `Host` on the wire, '' = there was none; for codecs that keep the case. */
  hostSpelling = '';
  /** Texts that the parser has checked; an encoder checks a field only if a filter wrote another one. */
  checkedPath = '';
  checkedAuthority = '';
  checkedMethod = '';
  #names: HeaderName[];
  #values: string[];
  #size = 0;

  constructor(expected = 0) {
    this.#names = new Array<HeaderName>(expected + ROOM);
    this.#values = new Array<string>(expected + ROOM);
  }

  static request(method: string, path: string, authority: string, scheme = 'http'): HeaderList {
    const list = new HeaderList();
    list.method = method;
    list.path = path;
    list.authority = authority;
    list.scheme = scheme;
    return list;
  }

  static response(status: number): HeaderList {
    const list = new HeaderList();
    list.status = status;
    return list;
  }

  /** The map itself if it is one of ours, else a checked copy. */
  static of(headers: HeaderMap): HeaderList {
    if (headers instanceof HeaderList) return headers;
    const list = HeaderList.request(headers.method, headers.path, headers.authority, headers.scheme);
    list.status = headers.status;
    list.protocol = headers.protocol;
    list.byteSize = headers.byteSize;
    for (let index = 0; index < headers.size; index += 1) {
      list.add(headers.originalNameAt(index), headers.valueAt(index));
    }
    return list;
  }

  get size(): number {
    return this.#size;
  }

  nameAt(index: number): string {
    return this.entryName(index).lower;
  }

  originalNameAt(index: number): string {
    return this.entryName(index).wire;
  }

  valueAt(index: number): string {
    const value = index < this.#size ? this.#values[index] : undefined;
    invariant(value !== undefined, 'header index inside the map');
    return value;
  }

  /** The interned name: for codecs, which look at its kind and take its ready text. */
  entryName(index: number): HeaderName {
    const name = index < this.#size ? this.#names[index] : undefined;
    invariant(name !== undefined, 'header index inside the map');
    return name;
  }

  get(name: string): string | null {
    for (let index = 0; index < this.#size; index += 1) {
      if (this.#names[index]?.lower === name) return this.#values[index] ?? null;
    }
    return this.#pseudo(name);
  }

  getJoined(name: string): string | null {
    let joined: string | null = null;
    for (let index = 0; index < this.#size; index += 1) {
      if (this.#names[index]?.lower !== name) continue;
      const value = this.valueAt(index);
      joined = joined === null ? value : `${joined}, ${value}`;
    }
    return joined ?? this.#pseudo(name);
  }

  getAll(name: string): string[] {
    const all: string[] = [];
    for (let index = 0; index < this.#size; index += 1) {
      if (this.#names[index]?.lower === name) all.push(this.valueAt(index));
    }
    const pseudo = all.length === 0 ? this.#pseudo(name) : null;
    return pseudo === null ? all : [pseudo];
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  add(name: string, value: string): void {
    if (this.#setPseudo(name, value)) return;
    checkText(value);
    this.addParsed(headerName(name), value);
  }

  /** `add` of what a parser has checked. */
  addParsed(name: HeaderName, value: string): void {
    this.#names[this.#size] = name;
    this.#values[this.#size] = value;
    this.#size += 1;
  }

  set(name: string, value: string): void {
    if (this.#setPseudo(name, value)) return;
    for (let index = 0; index < this.#size; index += 1) {
      if (this.#names[index]?.lower !== name) continue;
      checkText(value);
      this.#values[index] = value;
      this.#removeFrom(name, index + 1);
      return;
    }
    this.add(name, value);
  }

  remove(name: string): number {
    if (name === 'host' || name.charCodeAt(0) === 0x3a) {
      const had = this.#pseudo(name) === null ? 0 : 1;
      this.#setPseudo(name, '');
      return had;
    }
    return this.#removeFrom(name, 0);
  }

  clone(): HeaderList {
    const copy = new HeaderList();
    copy.method = this.method;
    copy.path = this.path;
    copy.authority = this.authority;
    copy.scheme = this.scheme;
    copy.protocol = this.protocol;
    copy.status = this.status;
    copy.byteSize = this.byteSize;
    copy.hostSpelling = this.hostSpelling;
    copy.checkedPath = this.checkedPath;
    copy.checkedAuthority = this.checkedAuthority;
    copy.checkedMethod = this.checkedMethod;
    copy.#names = this.#names.slice();
    copy.#values = this.#values.slice();
    copy.#size = this.#size;
    return copy;
  }

  #removeFrom(name: string, from: number): number {
    let kept = from;
    for (let index = from; index < this.#size; index += 1) {
      const entry = this.entryName(index);
      if (entry.lower === name) continue;
      this.#names[kept] = entry;
      this.#values[kept] = this.#values[index] ?? '';
      kept += 1;
    }
    const removed = this.#size - kept;
    this.#size = kept;
    return removed;
  }

  /** The fields behind `:name`, and `host`, which HTTP/1 spells differently. Null: absent, or not such a name. */
  #pseudo(name: string): string | null {
    if (name !== 'host' && name.charCodeAt(0) !== 0x3a) return null;
    const value = this.#pseudoField(name);
    return value === '' ? null : value;
  }

  #pseudoField(name: string): string {
    switch (name) {
      case ':method':
        return this.method;
      case ':path':
        return this.path;
      case ':authority':
      case 'host':
        return this.authority;
      case ':scheme':
        return this.scheme;
      case ':protocol':
        return this.protocol;
      case ':status':
        return this.status === 0 ? '' : String(this.status);
      default:
        return '';
    }
  }

  #setPseudo(name: string, value: string): boolean {
    if (name !== 'host' && name !== 'Host' && name.charCodeAt(0) !== 0x3a) return false;
    checkText(value);
    switch (name) {
      case ':method':
        if (value !== '' && !isToken(value)) throw new InvariantError('a method is a token');
        this.method = value;
        return true;
      case ':path':
        if (!isWord(value)) throw new InvariantError('a path is one word');
        this.path = value;
        return true;
      case ':scheme':
        this.scheme = value;
        return true;
      case ':protocol':
        this.protocol = value;
        return true;
      case ':status':
        if (!STATUS.test(value)) throw new InvariantError('a status is a number of three digits');
        this.status = Number(value);
        return true;
      case ':authority':
      case 'host':
      case 'Host':
        if (!isWord(value)) throw new InvariantError('an authority is one word');
        this.authority = value;
        return true;
      default:
        throw new InvariantError(`no pseudo header ${name}`);
    }
  }
}

const STATUS = /^([1-9]\d\d)?$/;

/** No blank and no control character: it stands in a start line, or is the whole of a field. */
function isWord(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code <= 0x20 || code === 0x7f) return false;
  }
  return true;
}

/** Throws on what could end a header line early. Latin1 is what `writeText` writes: a wider character would lose its high byte. */
export function checkText(text: string): void {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x0e ? code === 0 || code === 0x0a || code === 0x0d : code > 0xff) {
      throw new InvariantError('header text holds CR, LF, NUL or a character beyond latin1');
    }
  }
}
