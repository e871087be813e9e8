/**
 * Loaded with `--import` into the proxy of a lab: it ends with the process that started it, however that one ended. Its standard
 * input is a pipe whose other end the lab holds, never writes to and never closes, so its end is the kernel's word.
 */
import { isMainThread } from 'node:worker_threads';

// Worker threads inherit the flag; one reader is enough.
if (isMainThread) {
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL'));
  process.stdin.resume();
  if ('unref' in process.stdin) process.stdin.unref();
}
