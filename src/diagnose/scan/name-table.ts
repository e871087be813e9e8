/**
 * Names that occur in many lines (clusters, filters, flags) as small numbers, found by their bytes without making a string.
 *
 * Bounded: what comes when the table is full is all one name, `OTHER`. Number 0 is the absent name (`-`).
 */
const MAX_NAMES = 4096;
export const OTHER = '(others)';

const HASH_SEED = 0x811c9dc5;
const HASH_FACTOR = 0x01000193;

interface Entry {
  readonly bytes: Buffer;
  readonly id: number;
  readonly next: Entry | null;
}

export class NameTable {
  readonly #entries = new Map<number, Entry>();
  readonly #names: string[] = ['-'];

  name(id: number): string {
    return this.#names[id] ?? '-';
  }

  idOfText(text: string | null): number {
    if (text === null || text === '-') return 0;
    const bytes = Buffer.from(text, 'latin1');
    return this.idOf(bytes, 0, bytes.length);
  }

  idOf(bytes: Uint8Array, from: number, to: number): number {
    if (to - from === 1 && bytes[from] === 0x2d) return 0;
    let hash = HASH_SEED;
    for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), HASH_FACTOR);
    let entry = this.#entries.get(hash) ?? null;
    const first = entry;
    for (; entry !== null; entry = entry.next) if (equal(entry.bytes, bytes, from, to)) return entry.id;
    return this.#add(hash, first, Buffer.from(bytes.subarray(from, to)));
  }

  #add(hash: number, next: Entry | null, bytes: Buffer): number {
    const id = this.#names.length;
    if (id === MAX_NAMES) this.#names.push(OTHER);
    if (id >= MAX_NAMES) return MAX_NAMES;
    this.#names.push(bytes.toString('latin1'));
    this.#entries.set(hash, { bytes, id, next });
    return id;
  }
}

function equal(name: Buffer, bytes: Uint8Array, from: number, to: number): boolean {
  const { length } = name;
  if (length !== to - from) return false;
  for (let at = 0; at < length; at += 1) if (name[at] !== bytes[from + at]) return false;
  return true;
}
