/**
 * From the bytes of files to facts of requests: splits lines, scans each, parses what the scanner leaves, counts what nobody can read.
 *
 *   chunk -> line -> scanLine -> (gave up) -> parseRecord -> facts -> filter -> visit
 *
 * Owns the one `LineFacts`. A line that runs over the end of a chunk is put together in a buffer of its own, `MAX_LINE_BYTES` at most.
 */
import { isUnreadable, parseRecord, type UnreadableReason } from '../parse-record.ts';
import type { UnreadableLines } from '../report.ts';
import { factsOfRecord } from './facts-of-record.ts';
import { LineFacts } from './line-facts.ts';
import { ALL_LINES, passes, type LineFilter } from './line-filter.ts';
import { NameTable } from './name-table.ts';
import { scanLine, type Names } from './scan-line.ts';

/** A head may have 8 MiB, but a log cuts its values (`escape.ts`); a longer line is none of an access log. */
export const MAX_LINE_BYTES = 256 * 1024;
const EXAMPLES = 3;
const EXAMPLE_BYTES = 300;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;

export interface LineVisitor {
  /** `facts` are another line's afterwards. */
  request(facts: LineFacts): void;
}

interface Unread {
  count: number;
  readonly examples: { file: string; lineNumber: number; text: string }[];
}

export class LineReader {
  readonly names: Names = { flags: new NameTable(), clusters: new NameTable(), filters: new NameTable() };
  lines = 0;
  emptyLines = 0;
  /** Of other requests than the filter's. */
  filteredOut = 0;
  readonly #facts = new LineFacts();
  readonly #visitor: LineVisitor;
  readonly #filter: LineFilter;
  readonly #unreadable = new Map<UnreadableReason, Unread>();
  /** Beginning of the line that the last chunk ended in. */
  readonly #carry = Buffer.allocUnsafe(MAX_LINE_BYTES + 1);
  #carried = 0;
  #tooLong = false;
  readonly #all: boolean;

  constructor(visitor: LineVisitor, filter: LineFilter = ALL_LINES) {
    this.#visitor = visitor;
    this.#filter = filter;
    this.#all = Object.values(filter).every((value) => value === null);
  }

  startFile(name: string): void {
    this.#facts.file = name;
    this.#facts.lineNumber = 0;
  }

  /** The chunk may be reused afterwards. */
  chunk(chunk: Buffer): void {
    let from = 0;
    for (;;) {
      const to = chunk.indexOf(LINE_FEED, from);
      if (to < 0) break;
      if (this.#carried > 0 || this.#tooLong) {
        this.#keep(chunk, from, to);
        this.#carriedLine();
      } else if (to - from > MAX_LINE_BYTES) this.#overlong(chunk, from);
      else this.#line(chunk, from, to);
      from = to + 1;
    }
    this.#keep(chunk, from, chunk.length);
  }

  /** The last line may lack its line feed. */
  endFile(): void {
    if (this.#carried > 0 || this.#tooLong) this.#carriedLine();
  }

  get unreadable(): UnreadableLines[] {
    return Array.from(this.#unreadable, ([reason, { count, examples }]) => ({
      reason,
      count,
      examples,
    })).sort((a, b) => b.count - a.count);
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    if (this.#tooLong) return;
    if (this.#carried + to - from > MAX_LINE_BYTES) {
      this.#tooLong = true;
      if (this.#carried < EXAMPLE_BYTES)
        this.#carried += chunk.copy(this.#carry, this.#carried, from, from + EXAMPLE_BYTES);
    } else this.#carried += chunk.copy(this.#carry, this.#carried, from, to);
  }

  #carriedLine(): void {
    const to = this.#carried;
    this.#carried = 0;
    if (this.#tooLong) {
      this.#tooLong = false;
      this.#overlong(this.#carry, 0);
      return;
    }
    this.#carry[to] = LINE_FEED;
    this.#line(this.#carry, 0, to);
  }

  #overlong(bytes: Buffer, from: number): void {
    this.lines += 1;
    this.#facts.lineNumber += 1;
    this.#unread('line too long', bytes.toString('utf8', from, from + EXAMPLE_BYTES));
  }

  #line(bytes: Buffer, from: number, to: number): void {
    const facts = this.#facts;
    this.lines += 1;
    facts.lineNumber += 1;
    if (to === from || (to === from + 1 && bytes[from] === RETURN)) {
      this.emptyLines += 1;
      return;
    }
    facts.reset();
    facts.bytes = bytes;
    facts.from = from;
    facts.to = to;
    if (!scanLine(facts, this.names) && !this.#parsed(bytes, from, to)) return;
    if (this.#all || passes(this.#filter, facts)) this.#visitor.request(facts);
    else this.filteredOut += 1;
  }

  #parsed(bytes: Buffer, from: number, to: number): boolean {
    const facts = this.#facts;
    const record = parseRecord(bytes.toString('utf8', from, to), facts.file, facts.lineNumber);
    if (isUnreadable(record)) {
      if (record.reason === 'empty line') this.emptyLines += 1;
      else this.#unread(record.reason, record.text.slice(0, EXAMPLE_BYTES));
      return false;
    }
    facts.reset();
    factsOfRecord(record, facts, this.names);
    return true;
  }

  #unread(reason: UnreadableReason, text: string): void {
    let unread = this.#unreadable.get(reason);
    if (unread === undefined) {
      unread = { count: 0, examples: [] };
      this.#unreadable.set(reason, unread);
    }
    unread.count += 1;
    const { file, lineNumber } = this.#facts;
    if (unread.examples.length < EXAMPLES) unread.examples.push({ file, lineNumber, text });
  }
}
