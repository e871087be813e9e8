/** Bytes as latin1 text, one character per byte: header text survives the way through a string unchanged, whatever it is. */

/** Node's own method behind `toString('latin1')`, which its type definitions leave out; called for each head. */
type Latin1Buffer = Buffer & { latin1Slice(start: number, end: number): string };

export function latin1(source: Buffer, start: number, end: number): string {
  return (source as Latin1Buffer).latin1Slice(start, end);
}
