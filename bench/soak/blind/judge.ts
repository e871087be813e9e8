/**
 * The two judges of the blind test. Each sees the log file and nothing else: not the fault, not its parameters, not the configuration.
 */
import { readFileSync } from 'node:fs';
import { diagnose } from '../../../src/diagnose/diagnosis.ts';
import { isUnreadable, parseRecord } from '../../../src/diagnose/parse-record.ts';
import type { LogRecord } from '../../../src/diagnose/record.ts';
import { candidates, NEARLY_ALL, placeOf } from './places.ts';

export interface Verdict {
  /** Places that the numbers of a slow request's plain line leave open, on average. */
  readonly base: number;
  /** Segments of its ledger that it takes to explain four fifths of it, on average. */
  readonly segments: number;
  /** What the diagnosis names, worst first, each place once. */
  readonly named: readonly string[];
  readonly slow: number;
}

export async function judge(logFile: string): Promise<Verdict> {
  const report = await diagnose([logFile]);
  const slow = slowOf(logFile, report.slowFromUs);
  return {
    base: mean(slow.map(candidates)),
    segments: mean(slow.map(segmentsOf)),
    named: [...new Set(report.findings.map(placeOf))],
    slow: slow.length,
  };
}

export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** As `test/lab/localisation.test.ts` counts them. */
function segmentsOf({ ledger }: LogRecord): number {
  const lengths = (ledger ?? []).map(({ us }) => us).toSorted((a, b) => b - a);
  const enough = NEARLY_ALL * lengths.reduce((sum, us) => sum + us, 0);
  let explained = 0;
  return 1 + lengths.findIndex((us) => (explained += us) >= enough);
}

/** By the plain line's own number: a wait before the first read is in none of them. */
function slowOf(logFile: string, fromUs: number): LogRecord[] {
  const slow: LogRecord[] = [];
  for (const [index, line] of readFileSync(logFile, 'utf8').split('\n').entries()) {
    if (line === '') continue;
    const record = parseRecord(line, logFile, index + 1);
    if (!isUnreadable(record) && (record.base?.duration ?? 0) * 1000 >= fromUs) slow.push(record);
  }
  return slow;
}
