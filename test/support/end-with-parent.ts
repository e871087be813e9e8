/**
 * Loaded with `--import` into proxies that tests start: the process ends with the one that started it, however that one ended. Its
 * standard input is a pipe whose other end the test process holds, never writes to and never closes, so its end is the kernel's word.
 */
import { isMainThread } from 'node:worker_threads';

/** Workers inherit the flag; one reader is enough. */
if (isMainThread) {
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL'));
  process.stdin.resume();
  // Watching keeps nothing alive.
  if ('unref' in process.stdin) process.stdin.unref();
}
