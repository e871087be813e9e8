/**
 * Entry of a worker thread. Everything that carries traffic is built and lives here; main talks to it in messages.
 *
 * An error that nobody caught is a broken invariant: main is told, the thread releases its descriptors and ends, and main starts
 * another in its place.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { FromWorker, WorkerOptions } from './api/server.ts';
import { configureLogging, setLogLevels } from './base/logger.ts';
import { invariant } from './base/invariant.ts';
import { decodeWorkerData } from './server/worker-data.ts';
import { buildWorker } from './server/worker-parts.ts';
import { WorkerRuntime } from './server/worker-runtime.ts';

async function main(): Promise<void> {
  invariant(parentPort, 'worker.ts is the entry of a worker thread');
  const port = parentPort;
  const options: WorkerOptions = decodeWorkerData(workerData);
  const send = (message: FromWorker): void => port.postMessage(message);
  setLogLevels(options.logLevels);
  const parts = buildWorker(options, send);
  const thread = String(parts.dispatcher.tid);
  configureLogging({ format: options.logFormat, path: options.logPath, thread });
  await new WorkerRuntime(options, port, parts).start();
}

await main();
