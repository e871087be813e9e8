/**
 * Load of the part `idle-close`: rounds in which all clients ask at the same time, so that each needs an upstream connection of its own,
 * one round every keep-alive time of the upstream and a little (0 to 3 ms, by chance): when its timers are just about to fire.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterMs } from '../../../src/base/clock.ts';
import { Dice } from '../dice.ts';
import { HttpReader, statusOf } from './http-reader.ts';
import { onParent, optionsOfParent, tellParent } from './parent.ts';

export interface RoundLoadOptions {
  readonly port: number;
  readonly seed: number;
  readonly connections: number;
  readonly intervalMs: number;
}

export interface RoundCounts {
  readonly requests: number;
  readonly byStatus: Readonly<Record<string, number>>;
}

const LATER_MS = 3;

const options = optionsOfParent() as RoundLoadOptions;
const dice = new Dice(options.seed);
const byStatus: Record<string, number> = {};
let requests = 0;
let waiting = 0;
let goal = 0;
let sockets: Socket[] = [];

function settle(status: string): void {
  byStatus[status] = (byStatus[status] ?? 0) + 1;
  waiting -= 1;
  if (waiting > 0) return;
  tellParent({ kind: 'progress', sent: requests });
  if (requests >= goal) tellParent({ kind: 'done', counts: { requests, byStatus } });
}

function open(): Socket {
  const socket = connect(options.port, '127.0.0.1');
  const reader = new HttpReader();
  let closed = false;
  socket.setNoDelay(true);
  socket.setEncoding('latin1').on('error', () => undefined);
  socket.on('data', (text: string) => {
    reader.push(text);
    for (let message = reader.next(); message !== null; message = reader.next())
      settle(String(statusOf(message.head)));
  });
  socket.on('close', () => {
    if (closed || requests >= goal) return;
    closed = true;
    settle('closed');
  });
  return socket;
}

/** The interval is from round to round, whatever the answers took. */
function round(): void {
  if (requests >= goal) return;
  if (waiting === 0) {
    waiting = sockets.length;
    requests += sockets.length;
    for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nhost: soak\r\n\r\n');
  }
  afterMs(options.intervalMs + dice.between(0, LATER_MS), round);
}

sockets = Array.from({ length: options.connections }, open);
tellParent({ kind: 'ready' });
onParent((message) => {
  if (message.kind !== 'send') return;
  goal = requests + (message as { kind: string; more: number }).more;
  round();
});
