/**
 * A worker thread that has a slot and nothing else: it takes snapshots, says what it decoded and what its heap holds, and notes in
 * shared memory how far it is, so that main can see it without asking.
 */
import assert from 'node:assert/strict';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromWorker, ToWorker } from '../../../src/api/server.ts';
import { SnapshotReader } from '../../../src/server/snapshot.ts';

export interface SlotScript {
  readonly index: number;
  /** One per worker: the version in its slot; and behind them the number of posts that it has got. */
  readonly cells: SharedArrayBuffer;
  readonly workers: number;
  /** How long it stands still before it takes a snapshot. */
  readonly slowMs: number;
}

/** Answer to `report`. */
export interface SlotReport {
  readonly version: number;
  readonly decoded: number;
  readonly heapBytes: number;
  /** Posts that did not come in their order. */
  readonly disorder: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const port = parentPort ?? assert.fail('not a worker');
const script = workerData as SlotScript;
const cells = new Int32Array(script.cells);
const reader = new SnapshotReader<{ hosts: readonly string[] }>();
/** What a copy in each thread would hold, for comparison. */
let copies: unknown = null;
let disorder = 0;

function send(message: FromWorker): void {
  port.postMessage(message);
}

function standStill(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

port.on('message', (message: ToWorker | { readonly kind: 'copy'; readonly copies: unknown }) => {
  switch (message.kind) {
    case 'listen':
      send({ kind: 'ready', tid: script.index + 1, listeners: [] });
      send({ kind: 'ack', ack: message.ack });
      break;
    case 'slot':
      standStill(script.slowMs);
      reader.set(message.snapshot);
      Atomics.store(cells, script.index, message.snapshot.version);
      send({ kind: 'ack', ack: message.ack });
      break;
    case 'copy':
      ({ copies } = message);
      break;
    case 'log-level': {
      const at = script.workers + script.index;
      if (Number(message.levels['post']) !== cells[at]) disorder += 1;
      Atomics.add(cells, at, 1);
      // Each name is looked up as a request would.
      const name = message.levels['get'];
      if (name !== undefined) reader.get().get(name);
      send({ kind: 'ack', ack: message.ack });
      break;
    }
    case 'report': {
      collect();
      const { version, decoded } = cells[script.index] === 0 ? { version: 0, decoded: 0 } : reader.get();
      const value: SlotReport = {
        version,
        decoded,
        heapBytes: getHeapStatistics().used_heap_size + (copies === null ? 0 : 1),
        disorder,
      };
      send({ kind: 'ack', ack: message.ack, value });
      break;
    }
    case 'stop':
      process.exit(0);
      break;
    default:
      break;
  }
});
send({ kind: 'prepared', tid: script.index + 1 });
