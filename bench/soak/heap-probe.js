/**
 * Loaded with `--import` into the proxy of the part `streams`: asked through its parent's channel, each worker collects its garbage
 * and counts what is left, so that "flat" and "back to 0" are exact and not a matter of when V8 happened to collect.
 *
 * `queryObjects` walks the heap for instances of the very classes that the worker runs: the module is the one it has loaded already.
 * Nothing runs here between two questions.
 */
import { queryObjects } from 'node:v8';
import { BroadcastChannel, isMainThread, threadName } from 'node:worker_threads';

const CLASSES = [
  ['dist/http/active-stream.js', 'ActiveStream'],
  ['dist/router/upstream-request.js', 'UpstreamRequest'],
];
const channel = new BroadcastChannel('soak-heap');
channel.unref();

if (isMainThread) {
  process.on('message', (message) => {
    if (message.kind === 'probe') channel.postMessage({ ask: true });
  });
  process.channel?.unref();
  channel.onmessage = ({ data }) => {
    if (data.found !== undefined) process.send({ kind: 'probed', ...data.found });
  };
} else if (threadName.startsWith('worker')) {
  channel.onmessage = ({ data }) => {
    if (data.ask === true) void probe();
  };
}

async function probe() {
  const live = {};
  for (const [file, name] of CLASSES) {
    const module = await import(new URL(`../../${file}`, import.meta.url).href);
    live[name] = queryObjects(module[name], { format: 'count' });
  }
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  channel.postMessage({ found: { thread: threadName, heapUsed, external, live } });
}
