/**
 * The diagnosis of a lab's log, with thresholds for a machine that anybody may be using: what a lab does on purpose takes hundreds of
 * milliseconds, what a busy neighbour does to the worker takes tens.
 */
import { diagnose } from '../diagnose/diagnosis.ts';
import type { Report } from '../diagnose/report.ts';
import type { Thresholds } from '../diagnose/thresholds.ts';

const NOISE_MS = 50;
const NOISE_US = NOISE_MS * 1000;
const THRESHOLDS: Partial<Thresholds> = {
  lateUs: NOISE_US,
  kernelUs: NOISE_US,
  filterUs: NOISE_US,
  connectUs: NOISE_US,
};

export function diagnoseLog(file: string): Promise<Report> {
  return diagnose([file], { thresholds: THRESHOLDS });
}

/** The same for the reader's own hands. */
export function diagnoseCommand(file: string): string {
  const options = ['late', 'kernel', 'filter', 'connect'].map((name) => `--${name}-ms ${NOISE_MS}`);
  return `nodeproxy logs diagnose ${options.join(' ')} ${file}`;
}
