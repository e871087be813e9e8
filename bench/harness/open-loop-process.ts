/**
 * The open loop in a process of its own: `{ "load": … }` opens the connections, `{ "go": true }` sends by the timetable and is
 * answered with what came of it (`open-loop.ts`).
 */
import { answerLines } from './line-process.ts';
import { OpenLoop } from './open-loop-run.ts';
import type { OpenLoopLoad } from './open-loop.ts';

let prepared: OpenLoop | null = null;

answerLines(async (question) => {
  const { load } = question as { load?: OpenLoopLoad };
  if (load !== undefined) {
    prepared?.close();
    prepared = await OpenLoop.open(load);
    return { ready: true };
  }
  const loop = prepared;
  prepared = null;
  if (loop === null) throw new Error('there is no load to start');
  return loop.run();
});
