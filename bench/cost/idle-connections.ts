/**
 * What an idle keep-alive connection costs a proxy in memory: thousands are opened, then each is answered once; memory (PSS) is
 * read before, between and after. Rounds go through the contenders in turn, each in a fresh process.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { delay } from '../../src/base/clock.ts';
import { StartError } from '../harness/process.ts';
import { measured } from '../harness/statistics.ts';
import type { Contender } from '../contenders/contender.ts';
import type { Rig, Running } from '../contenders/rig.ts';
import type { Table } from '../report/report.ts';

/** Below the usual limit of open files: HAProxy counts two for each connection. */
export const IDLE_CONNECTIONS = 8000;
/** Opened, or under way, at once. */
const AT_ONCE = 200;
const REST_MS = 2000;
const REQUEST = 'GET / HTTP/1.1\r\nhost: idle\r\n\r\n';
/** Beyond this a connection is held to be forgotten. */
const ANSWER_LIMIT_MS = 10_000;

export interface IdleRound {
  /** Bytes for each connection. */
  readonly opened: number;
  readonly answered: number;
}

export interface IdleOptions {
  readonly rounds: number;
  readonly connections: number;
  /** Before memory is read. */
  readonly restMs?: number;
}

export async function idleTable(
  rig: Rig,
  contenders: readonly Contender[],
  { rounds, connections, restMs = REST_MS }: IdleOptions,
): Promise<Table> {
  const results = contenders.map((contender) => ({ contender, rounds: [] as IdleRound[] }));
  const problems: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, result] of results.entries()) {
      const { name } = result.contender;
      const done = round * results.length + index;
      rig.bench.progress.step(`idle connections: ${name}`, done, rounds * results.length);
      try {
        result.rounds.push(await idleRound(rig, result.contender, { connections, restMs }));
      } catch (error) {
        rig.bench.signal.throwIfAborted();
        if (!(error instanceof StartError) && !(error instanceof IdleError)) throw error;
        problems.push(`${name}: ${error.message}.`);
        rig.bench.progress.note(`${name}: ${error.message}`);
      }
    }
  }
  const figure = (list: readonly number[]) => (list.length === 0 ? null : measured(list));
  return {
    kind: 'table',
    title: `${connections} idle keep-alive connections`,
    rows: 'proxy',
    columns: [
      { name: 'opened only', unit: 'bytes each', better: 'lower' },
      { name: 'answered once', unit: 'bytes each', better: 'lower' },
    ],
    body: results.map(({ contender, rounds: figures }) => ({
      name: contender.name,
      cells: [figure(figures.map(({ opened }) => opened)), figure(figures.map(({ answered }) => answered))],
    })),
    notes: [
      'Growth of the PSS by the number of connections; a fresh process each round, loaded for a second before. Sockets themselves are memory of the kernel and not in it.',
      ...new Set(problems),
    ],
  };
}

/** Connections that a contender did not take or answer. */
class IdleError extends Error {
  override readonly name = 'IdleError';
}

async function idleRound(
  rig: Rig,
  contender: Contender,
  { connections, restMs }: { connections: number; restMs: number },
): Promise<IdleRound> {
  const running = await rig.start(contender);
  const sockets: Socket[] = [];
  try {
    await rig.load(running, { path: '/', connections: 64, seconds: 1 });
    await delay(restMs);
    const before = running.process.pss();
    await inTurns(rig, connections, async () => void sockets.push(await opened(running)));
    await delay(restMs);
    const open = running.process.pss();
    await inTurns(rig, connections, (index) => answeredOnce(sockets[index]));
    await delay(restMs);
    const answered = running.process.pss();
    return { opened: (open - before) / connections, answered: (answered - before) / connections };
  } finally {
    for (const socket of sockets) socket.destroy();
    await rig.stop(running);
  }
}

async function inTurns(rig: Rig, count: number, one: (index: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    rig.bench.signal.throwIfAborted();
    const some = Math.min(AT_ONCE, count - from);
    await Promise.all(Array.from({ length: some }, (_, index) => one(from + index)));
  }
}

async function opened({ port }: Running): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw new IdleError('a connection was refused', { cause: error });
  }
  socket.on('error', () => socket.destroy());
  return socket;
}

async function answeredOnce(socket: Socket | undefined): Promise<void> {
  if (socket === undefined || socket.destroyed)
    throw new IdleError('a connection was closed before its request');
  socket.write(REQUEST);
  try {
    const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })) as [
      Buffer,
    ];
    if (answer.toString('latin1', 0, 12) === 'HTTP/1.1 200') return;
  } catch (error) {
    throw new IdleError('a connection was not answered', { cause: error });
  }
  throw new IdleError('a connection was answered with an error');
}
