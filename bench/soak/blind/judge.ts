/**
 * The two judges of the blind test. Each sees the log file and nothing else: not the fault, not its parameters, not the configuration.
 */
import { readFileSync } from 'node:fs';
import { diagnose } from '../../../src/diagnose/diagnosis.ts';
import { isUnreadable, parseRecord } from '../../../src/diagnose/parse-record.ts';
import type { LogRecord } from '../../../src/diagnose/record.ts';
import { candidates, placeOf } from './places.ts';

export interface Verdict {
  /** What the numbers of the plain line leave open. */
  readonly base: readonly string[];
  /** What the diagnosis names, worst first, each place once. */
  readonly named: readonly string[];
  readonly requests: number;
  readonly slow: number;
}

export async function judge(logFile: string): Promise<Verdict> {
  const report = await diagnose([logFile]);
  const slow = slowOf(logFile, report.slowFromUs);
  return {
    base: candidates(slow),
    named: [...new Set(report.findings.map(placeOf))],
    requests: report.requests,
    slow: slow.length,
  };
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
