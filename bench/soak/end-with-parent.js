/**
 * Loaded with `--import` into a measured proxy: it ends with the process that started it, however that one ended. Plain JavaScript,
 * so that no type is stripped in the process whose memory is measured.
 */
import { isMainThread } from 'node:worker_threads';

// Worker threads inherit the flag; one reader is enough.
if (isMainThread) {
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL'));
  process.stdin.resume();
  if ('unref' in process.stdin) process.stdin.unref();
}
