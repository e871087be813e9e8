/**
 * A service on a thread of its own that can be held: for that time it accepts nothing and answers nothing, as one in a long garbage
 * collection. Its accept queue holds sixteen connections; one that comes then finds it full.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Service } from './lab.ts';

export interface HeldService extends Service {
  /** Resolves when it is held; it lets itself go after `ms`. */
  hold(ms: number): Promise<void>;
}

/** `Atomics.wait` sleeps the whole thread: its loop neither accepts nor answers. */
const SOURCE = [
  'const { parentPort } = require("node:worker_threads");',
  'const answer = (request, response) => response.end("hello\\n");',
  'const server = require("node:http").createServer({ keepAliveTimeout: 0 }, answer);',
  'server.listen({ host: "127.0.0.1", port: 0, backlog: 16 }, () => parentPort.postMessage(server.address().port));',
  'parentPort.on("message", (ms) => {',
  '  parentPort.postMessage("held");',
  '  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);',
  '});',
].join('\n');

export async function startHeldService(): Promise<HeldService> {
  const thread = new Worker(SOURCE, { eval: true });
  const [port] = (await once(thread, 'message')) as [number];
  return {
    port,
    async hold(ms) {
      const held = once(thread, 'message');
      thread.postMessage(ms);
      await held;
    },
    async stop() {
      await thread.terminate();
    },
  };
}
