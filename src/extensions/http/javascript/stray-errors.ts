/**
 * Errors that a script throws where no request waits for it: in a timer, in a promise that it left alone, in an event of its own.
 *
 * Node hands them to the whole thread, and an error that nobody caught is a broken invariant of the worker. But one that has
 * unwound no code of the proxy has broken nothing of it: it is counted and logged as its script's, and the worker serves on. So an
 * exception is the proxy's when any frame of its stack is; a rejection, which unwinds nothing, when the frame that made the error is.
 * What a script holds in its hands (`HANDLES`) throws at the script and is looked through. Without scripts nothing is watched.
 */
import { isMainThread } from 'node:worker_threads';
import type { Counter } from '../../../api/stats.ts';
import type { ScriptLog } from './handles.ts';
import { ScriptError } from './script.ts';

/** The proxy's own code: `src/` or `dist/`. */
const OWN = new URL('../../../', import.meta.url).href;
/** Of that, what a script calls. */
const HANDLES = [`${OWN}extensions/http/javascript/`, `${OWN}codec/header-`];

/** Frames of the runtime. */
const FOREIGN = /[ (]node:|<anonymous>|\(native\)/;

export interface WatchedScript {
  /** Of its module. */
  readonly url: string;
  readonly name: string;
  readonly errors: Counter;
}

export class StrayErrors {
  readonly #log: ScriptLog;
  readonly #scripts: WatchedScript[] = [];

  constructor(log: ScriptLog) {
    this.#log = log;
  }

  /** From before the script's module is loaded until the thread ends. The main thread runs no traffic: there errors stay fatal. */
  watch(script: WatchedScript): void {
    this.#scripts.push(script);
    if (this.#scripts.length > 1 || isMainThread) return;
    // Unhandled rejections come here too.
    process.on('uncaughtException', (error: unknown, origin) => {
      if (this.take(error, origin)) return;
      // What a listener throws ends the thread as if nobody had listened, but for this event.
      process.emit('exit', 1);
      throw error;
    });
  }

  /** False: not a script's. */
  take(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): boolean {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const [first] = this.#scripts;
    if (first === undefined || (!(error instanceof ScriptError) && isOwn(stack, origin))) return false;
    // A frame of its module names the script; helpers that several of them import, or no frame at all, do not.
    const script = this.#scripts.find(({ url }) => stack.includes(url)) ?? first;
    const { name } = script;
    const sure = this.#scripts.every((each) => each.name === name) || stack.includes(script.url);
    script.errors.inc();
    this.#log('error', `${sure ? name : `${name} or another script`}: outside of any request: ${stack}`);
    return true;
  }
}

/** The message above the frames may say anything. */
function isOwn(stack: string, origin: NodeJS.UncaughtExceptionOrigin): boolean {
  const frames = stack
    .split('\n')
    .filter(
      (line) =>
        line.startsWith('    at ') && !FOREIGN.test(line) && !HANDLES.some((each) => line.includes(each)),
    );
  const own = frames.findIndex((line) => line.includes(OWN));
  return origin === 'unhandledRejection' ? own === 0 : own >= 0;
}
