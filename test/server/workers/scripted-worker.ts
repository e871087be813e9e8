/**
 * A worker thread that does what its script says, to see how the pool treats real threads: it answers requests in order, keeps
 * a list of what it was told, and crashes, blocks or fails to start on demand.
 */
import { parentPort, workerData } from 'node:worker_threads';
import assert from 'node:assert/strict';
import type { FromWorker, ToWorker } from '../../../src/api/server.ts';

export interface Script {
  readonly index: number;
  readonly tid: number;
  readonly failStart?: string;
  readonly failListen?: string;
}

const port = parentPort ?? assert.fail('not a worker');
const script = workerData as Script;
const told: string[] = [];
let drainRequests = 0;

function send(message: FromWorker): void {
  port.postMessage(message);
}

function onMessage(message: ToWorker): void {
  told.push(message.kind === 'log-level' ? `level ${message.levels['main']}` : message.kind);
  switch (message.kind) {
    case 'listen': {
      if (script.failListen !== undefined) {
        send({ kind: 'listen-failed', listener: 'l', address: '127.0.0.1:1', error: script.failListen });
        return;
      }
      const port = message.bound[0]?.port ?? 40_000 + script.index;
      send({
        kind: 'ready',
        tid: script.tid,
        listeners: [{ name: 'l', address: '127.0.0.1', port, fd: script.index }],
      });
      send({ kind: 'ack', ack: message.ack });
      break;
    }
    case 'log-level':
      if (message.levels['main'] === 'crash') throw new Error('crash on demand');
      if (message.levels['main'] === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      send({ kind: 'ack', ack: message.ack });
      break;
    case 'report':
      send({ kind: 'ack', ack: message.ack, value: { index: script.index, told: told.splice(0) } });
      break;
    case 'drain':
      drainRequests += 1;
      send({ kind: 'ack', ack: message.ack });
      send({ kind: 'drained' });
      break;
    case 'adopt':
      send({ kind: 'log-open', path: `adopted ${message.fd} by ${script.index}` });
      break;
    case 'stop':
      process.exit(drainRequests > 1 ? 1 : 0);
      break;
    default:
      break;
  }
}

if (script.failStart !== undefined) throw new Error(script.failStart);
port.on('message', onMessage);
send({ kind: 'prepared', tid: script.tid });
