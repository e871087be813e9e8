/**
 * What the framing and connection fields of one head say, gathered in one pass (RFC 9112, 6.1 to 6.3; RFC 9110, 7.6.1 and 7.8).
 *
 * Both codecs ask it right after a head was scanned and decide then; one object per thread, valid until the next `gather`.
 * It also removes what must not travel further: `HTTP2-Settings`, `h2c`, and the fields that `Connection` names.
 */
import type { HeaderList } from '../header-map.ts';

/** `absent`; `one`: valid, perhaps repeated with the same digits; `bad`: not digits, or repeated with others. */
export type LengthFact = 'absent' | 'one' | 'bad';

export class HeadFacts {
  length: LengthFact = 'absent';
  contentLength = 0;
  /** `chunked`: exactly that and once; `other`: anything else. */
  transferEncoding: 'absent' | 'chunked' | 'other' = 'absent';
  close = false;
  keepAlive = false;
  /** `Connection: upgrade` was there. */
  upgradeOption = false;
  /** Token(s) of the Upgrade field without h2c. */
  upgrade = '';
  /** `Connection` names a field that nobody may have removed. */
  forbiddenOption = false;
  #lengthText = '';
  #lengths = 0;
  #nominated: string[] = [];

  gather(list: HeaderList, special: number): void {
    this.length = 'absent';
    this.contentLength = 0;
    this.transferEncoding = 'absent';
    this.close = this.keepAlive = this.upgradeOption = this.forbiddenOption = false;
    this.upgrade = '';
    if (special === 0) return;
    this.#lengths = 0;
    let settings = false;
    for (let index = 0; index < list.size; index += 1) {
      switch (list.entryName(index).kind) {
        case 'content-length':
          this.#addLength(list.valueAt(index));
          break;
        case 'transfer-encoding':
          this.#addTransferEncoding(list.valueAt(index));
          break;
        case 'connection':
          this.#addConnection(list.valueAt(index));
          break;
        case 'upgrade':
          this.#addUpgrade(list.valueAt(index));
          break;
        case 'http2-settings':
          settings = true;
          break;
        default:
      }
    }
    this.#clean(list, settings);
  }

  /** Digits only: no sign, no white space, no list. Fifteen digits are an exact integer. */
  #addLength(value: string): void {
    this.#lengths += 1;
    if (this.#lengths > 1) {
      if (value !== this.#lengthText) this.length = 'bad';
      return;
    }
    this.#lengthText = value;
    const parsed = parseLength(value);
    this.length = parsed < 0 ? 'bad' : 'one';
    this.contentLength = parsed;
  }

  #addTransferEncoding(value: string): void {
    const chunked = value === 'chunked' || value.toLowerCase() === 'chunked';
    this.transferEncoding = chunked && this.transferEncoding === 'absent' ? 'chunked' : 'other';
  }

  #addConnection(value: string): void {
    if (value === 'keep-alive') this.keepAlive = true;
    else if (value === 'close') this.close = true;
    else {
      for (const option of value.toLowerCase().split(',')) {
        if (this.forbiddenOption) return;
        this.#addOption(option.trim());
      }
    }
  }

  #addOption(option: string): void {
    switch (option) {
      case '':
        return;
      case 'close':
        this.close = true;
        return;
      case 'keep-alive':
        this.keepAlive = true;
        return;
      case 'upgrade':
        this.upgradeOption = true;
        return;
      case 'te':
      case 'http2-settings':
      case 'connection':
      case 'proxy-connection':
        return;
      default:
        if (FORBIDDEN_OPTIONS.has(option) || option.startsWith(':')) this.forbiddenOption = true;
        else if (this.#nominated.length === MAX_NOMINATED) this.forbiddenOption = true;
        else this.#nominated.push(option);
    }
  }

  #addUpgrade(value: string): void {
    const tokens = value.split(',').map((token) => token.trim());
    const kept = tokens.filter((token) => token !== '' && token.toLowerCase() !== 'h2c').join(', ');
    this.upgrade = this.upgrade === '' || kept === '' ? this.upgrade + kept : `${this.upgrade}, ${kept}`;
  }

  #clean(list: HeaderList, settings: boolean): void {
    if (this.#lengths > 1 && this.length === 'one') list.set('content-length', this.#lengthText);
    if (settings) list.remove('http2-settings');
    if (list.has('upgrade')) {
      if (this.upgrade === '') list.remove('upgrade');
      else list.set('upgrade', this.upgrade);
    }
    if (this.#nominated.length === 0) return;
    if (!this.forbiddenOption) for (const name of this.#nominated) list.remove(name);
    this.#nominated = [];
  }
}

/** -1: no valid length. */
export function parseLength(value: string): number {
  if (value.length === 0 || value.length > 15) return -1;
  let length = 0;
  for (let index = 0; index < value.length; index += 1) {
    const digit = value.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/** The Content-Length that a map to be written announces; -1: none, or one that a filter spoiled. */
export function announcedLength(list: HeaderList): number {
  const value = list.get('content-length');
  return value === null ? -1 : parseLength(value);
}

/** Fields that one head may name as its connection's own: each is a walk over all fields, and a head has room for 30,000. */
const MAX_NOMINATED = 64;

/** Removing these on a peer's word would hide where a request came from, or change how it is framed. */
const FORBIDDEN_OPTIONS = new Set([
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'host',
  'content-length',
  'transfer-encoding',
]);

/** The thread's facts. */
export const headFacts: HeadFacts = new HeadFacts();
