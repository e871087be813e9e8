/**
 * Finds the lines of one request in logs of any size: by the request's id, or by the number of the line.
 *
 * Streams: only a chunk and what is found are in memory. A line is only parsed when its bytes contain the id. Lines of several files
 * (two proxies on a request's way) and of several attempts come out in the order in which they began.
 */
import { isUnreadable, parseRecord } from '../parse-record.ts';
import type { Unreadable } from '../parse-record.ts';
import type { LogRecord } from '../record.ts';

export interface Line {
  readonly text: string;
  readonly lineNumber: number;
}

/** Lines of a file in batches, whatever it is packed in. */
export type LineSource = (file: string) => AsyncIterable<readonly Line[]>;

export interface Found {
  /** By start; what has none (cut at the front) behind the others. */
  readonly records: readonly LogRecord[];
  /** Lines with the id beyond `MOST_FOUND`. */
  readonly leftOut: number;
}

/** More lines than a request leaves on its way, few enough to sort and print. */
export const MOST_FOUND = 50;
/** Shorter beginnings of an id would match by chance. */
const LEAST_PREFIX = 8;

export async function findById(id: string, files: readonly string[], linesOf: LineSource): Promise<Found> {
  const records: LogRecord[] = [];
  let leftOut = 0;
  for (const file of files) {
    for await (const lines of linesOf(file)) {
      for (const { text, lineNumber } of lines) {
        if (!text.includes(id)) continue;
        const record = parseRecord(text, file, lineNumber);
        if (isUnreadable(record) || !carries(record, id)) continue;
        if (records.length < MOST_FOUND) records.push(record);
        else leftOut += 1;
      }
    }
  }
  const startOf = ({ startUs }: LogRecord): number => startUs ?? Number.MAX_SAFE_INTEGER;
  return { records: records.sort((a, b) => startOf(a) - startOf(b)), leftOut };
}

/** The id may also stand in a path or a header: then the line is another request's. A cut line has no fields to tell. */
function carries({ base }: LogRecord, id: string): boolean {
  if (base === null) return true;
  return base.requestId === id || (id.length >= LEAST_PREFIX && base.requestId?.startsWith(id) === true);
}

/** Null: the file has fewer lines. */
export async function findByNumber(
  lineNumber: number,
  file: string,
  linesOf: LineSource,
): Promise<LogRecord | Unreadable | null> {
  for await (const lines of linesOf(file)) {
    const line = lines.find((each) => each.lineNumber === lineNumber);
    if (line !== undefined) return parseRecord(line.text, file, lineNumber);
  }
  return null;
}
