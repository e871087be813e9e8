/**
 * Entry of the thread that owns one log file. All proxy workers that log there share it: their batches arrive on ports, are
 * appended whole and in order of arrival, and are acknowledged. So a slow disk stalls this thread and no other, and lines of
 * two workers never mix.
 *
 * Invariant: it never waits inside a call: what cannot be written now is tried again by a timer, so it always hears `close`.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { afterMs, SystemClock } from '../base/clock.ts';
import { invariant } from '../base/invariant.ts';
import { LogFile } from './log-file.ts';
import type { FromLogThread, LogThreadData, ToLogThread } from './log-messages.ts';
import { LogQueue } from './log-queue.ts';
import { SYSTEM_LOG_CALLS } from './log-target.ts';

const LOOK_AGAIN_MS = 5;

const main = parentPort;
invariant(main !== null, 'log-thread.ts is the entry of a worker thread');
const { path, giveUpMs } = workerData as LogThreadData;
const clock = new SystemClock();
const tell = (message: FromLogThread): void => main.postMessage(message);
const file = new LogFile({
  path,
  calls: SYSTEM_LOG_CALLS,
  clock,
  onProblem: (error) => tell({ kind: 'problem', error }),
});
const queue = new LogQueue({ file, later: (ms, callback) => afterMs(ms, callback) });

/** Calls `done` when all that had been sent is written, or with an error when the file does not take it in time. */
function writeAll(done: (error: string) => void): void {
  queue.drainPorts();
  queue.pump();
  const deadline = clock.now() + giveUpMs;
  const look = (): void => {
    if (queue.empty) done('');
    else if (clock.now() > deadline) done('the reader of the log is too slow: lines were not written');
    else afterMs(LOOK_AGAIN_MS, look);
  };
  look();
}

main.on('message', (message: ToLogThread) => {
  switch (message.kind) {
    case 'port':
      queue.add(message.port);
      return;
    case 'reopen':
      writeAll(() => tell({ kind: 'ack', ack: message.ack, error: file.reopen() }));
      return;
    case 'flush':
      writeAll((error) => tell({ kind: 'ack', ack: message.ack, error }));
      return;
    case 'close':
      writeAll((error) => {
        file.close();
        queue.close();
        tell({ kind: 'ack', ack: message.ack, error });
        main.close();
      });
  }
});
