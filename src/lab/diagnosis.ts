/**
 * The diagnosis of a lab's log, with thresholds for a machine that anybody may be using: what a lab does on purpose takes hundreds of
 * milliseconds, what busy neighbours do to the proxy and to its peers takes tens.
 */
import { diagnose } from '../diagnose/diagnosis.ts';
import type { Report } from '../diagnose/report.ts';
import type { Thresholds } from '../diagnose/thresholds.ts';
import type { Lab } from './lab.ts';

/** For labs in which no request is slow: findings then stand in the order of the requests that they concern. */
export const NOTHING_IS_SLOW_MS = 1000;

/** Option of `logs diagnose`, threshold, milliseconds. */
const NOISE: readonly (readonly [string, keyof Thresholds, number])[] = [
  ['late-ms', 'lateUs', 100],
  ['kernel-ms', 'kernelUs', 100],
  ['filter-ms', 'filterUs', 100],
  ['pool-ms', 'poolUs', 100],
  ['connect-ms', 'connectUs', 100],
  ['upstream-ms', 'upstreamUs', 200],
];

type Diagnosed = Pick<Lab, 'slowMs'>;

export function diagnoseLog(file: string, lab: Diagnosed): Promise<Report> {
  const thresholds = Object.fromEntries(optionsOf(lab).map(([, threshold, ms]) => [threshold, ms * 1000]));
  return diagnose([file], { thresholds });
}

/** The same for the reader's own hands. */
export function diagnoseCommand(file: string, lab: Diagnosed): string {
  return `nodeproxy logs diagnose ${optionsOf(lab)
    .map(([option, , ms]) => `--${option} ${ms}`)
    .join(' ')} ${file}`;
}

function optionsOf({ slowMs }: Diagnosed): typeof NOISE {
  return slowMs === undefined ? NOISE : [...NOISE, ['slow-ms', 'slowUs', slowMs]];
}
