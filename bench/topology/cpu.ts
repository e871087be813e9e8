/**
 * CPU time of processes, from the kernel's scheduler: `sum_exec_runtime` of each thread counts nanoseconds, where the times of
 * /proc/<pid>/stat count in steps of 10 ms, too coarse for a process that works a tenth of a second in a round.
 */
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;
const USER_TIME_FIELD = 11;
const SYSTEM_TIME_FIELD = 12;

/** Of all threads that are alive, and so only to be compared with a later reading while no thread ends. 0: the process is gone. */
export function cpuSecondsOf(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.reduce((sum, thread) => sum + threadSeconds(`/proc/${pid}/task/${thread}`), 0);
  } catch {
    return 0;
  }
}

function threadSeconds(folder: string): number {
  let text: string;
  try {
    text = readFileSync(`${folder}/sched`, 'utf8');
  } catch {
    return coarseSeconds(folder);
  }
  const ms = /^se\.sum_exec_runtime\s*:\s*([\d.]+)/m.exec(text)?.[1];
  return ms === undefined ? coarseSeconds(folder) : Number(ms) / 1000;
}

/** Where the kernel was built without the scheduler's figures. */
function coarseSeconds(folder: string): number {
  const stat = readFileSync(`${folder}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER_TIME_FIELD]) + Number(fields[SYSTEM_TIME_FIELD])) / TICKS_PER_SECOND;
}

/** Of a process and everything that it started. */
export function familyOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return [pid, ...(text === '' ? [] : text.split(/\s+/).flatMap((child) => familyOf(Number(child))))];
  } catch {
    return [];
  }
}
