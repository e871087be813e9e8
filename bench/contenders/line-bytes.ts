/** Bytes of a log line, from the end of a file: its last MiB holds thousands of them, whatever the file's size. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const SAMPLE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Mean length with the newline, of the lines between the first newline of the sample and its last; `null` where there is none.
 * What stands before the first one may be half a line, or the hole that a writer leaves whose file was emptied under it.
 */
export function lineBytes(file: string): number | null {
  const sample = sampleOf(file);
  const from = sample.indexOf(NEWLINE) + 1;
  const to = sample.lastIndexOf(NEWLINE) + 1;
  if (from === 0 || to <= from) return null;
  let lines = 0;
  for (let at = sample.indexOf(NEWLINE, from); at !== -1; at = sample.indexOf(NEWLINE, at + 1)) lines += 1;
  return (to - from) / lines;
}

/** Empty where the file cannot be read. */
function sampleOf(file: string): Buffer {
  const sample = Buffer.alloc(SAMPLE_BYTES);
  try {
    const fd = openSync(file, 'r');
    try {
      const from = Math.max(0, fstatSync(fd).size - SAMPLE_BYTES);
      return sample.subarray(0, readSync(fd, sample, 0, SAMPLE_BYTES, from));
    } finally {
      closeSync(fd);
    }
  } catch {
    return sample.subarray(0, 0);
  }
}
