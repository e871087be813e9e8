/** The Linux thread id of the calling thread: the `(42)` of the instrumented log, the name of a row in `top -H`. */
import { readlinkSync } from 'node:fs';

/** 0 where there is no `/proc`. */
export function threadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1) ?? 0);
  } catch {
    return 0;
  }
}
