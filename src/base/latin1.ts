/**
 * Bytes as latin1 text and back, one character per byte: header text survives the way through a string unchanged, whatever it is.
 *
 * Called for each head: Node's own methods, without the look at an encoding's name that `toString` and `write` begin with.
 */
type Latin1Buffer = Buffer & {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, at: number, length: number): number;
};

export function latin1(source: Buffer, start: number, end: number): string {
  return (source as Latin1Buffer).latin1Slice(start, end);
}

/** As much of `text` as there is room for behind `at`. Returns the number of bytes; of higher characters the low byte is kept. */
export function writeLatin1(target: Buffer, text: string, at: number): number {
  return (target as Latin1Buffer).latin1Write(text, at, text.length);
}
