/** Memory of a process as the kernel counts it, from `/proc/<pid>/smaps_rollup`; bytes. */
import { readFileSync } from 'node:fs';

export interface Resident {
  /** All pages that the process has in memory, shared ones whole. */
  readonly rss: number;
  /** Shared pages by the share of this process: what all processes have sums up to what the machine has lost. */
  readonly pss: number;
  /** Pages that no other process maps: what each further process of the kind costs. */
  readonly own: number;
}

const KIB = 1024;
export const MIB = 1024 * 1024;

/** @throws where the process is gone. */
export function residentOf(pid: number): Resident {
  return parseRollup(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
}

export function parseRollup(text: string): Resident {
  const field = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    if (found === undefined) throw new Error(`no ${name} in smaps_rollup`);
    return Number(found) * KIB;
  };
  return { rss: field('Rss'), pss: field('Pss'), own: field('Private_Clean') + field('Private_Dirty') };
}
