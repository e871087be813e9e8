/**
 * `npm run bench`: lists the scenarios; `npm run bench -- NAME [options]` runs one and leaves `<name>-<time>.json` and `.html` in
 * `bench/results/`; `npm run bench -- compare ONE.json OTHER.json` sets two runs of one scenario side by side, or says why it
 * does not. Exit codes: `command.ts`.
 *
 * Here are the process's own things: streams, signals, and errors that nobody caught. The first Ctrl-C lets the scenario end its
 * processes and remove its namespaces; a second one ends this process at once and may leave some behind.
 */
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { EXIT_FAILED } from '../src/cli/command.ts';
import { benchCommand, Interrupted } from './command.ts';
import { ProgressLine } from './progress.ts';
import { SCENARIOS } from './scenarios/scenarios.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** For a scenario to clean up behind an error that was thrown past it. */
const CLEAN_UP_MS = 20_000;
/** For what is closing by itself, when all is done. */
const LINGER_MS = 3000;

const progress = new ProgressLine(process.stderr);
const interrupt = new AbortController();
const handlers = SIGNALS.map((name) => [name, () => interrupted(name)] as const);
for (const [name, handler] of handlers) process.on(name, handler);
process.on('uncaughtException', failed);
// A reader that has seen enough (`| head`) ends the output, not the run.
for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe);

process.exitCode = await benchCommand(process.argv.slice(2), {
  scenarios: SCENARIOS,
  progress,
  print: (text) => console.log(text),
  problem: (text) => console.error(text),
  stacks: process.env['NODEPROXY_BENCH_STACK'] !== undefined,
  results: fileURLToPath(new URL('./results/', import.meta.url)),
  signal: interrupt.signal,
});
process.off('uncaughtException', failed);
// Fires only where something still holds the process: a socket or a child that a scenario forgot.
setTimeout(() => {
  console.error(`bench: still open at the end: ${[...new Set(process.getActiveResourcesInfo())].join(', ')}`);
  process.exit();
}, LINGER_MS).unref();

function interrupted(name: (typeof SIGNALS)[number]): void {
  for (const [each, handler] of handlers) process.off(each, handler);
  progress.note(`${name}: ending what was started; once more ends at once and may leave processes behind`);
  interrupt.abort(new Interrupted(name, 128 + constants.signals[name]));
}

/** Thrown where no scenario could catch it: it is told to clean up as on Ctrl-C, and this error is the reason. */
function failed(error: unknown): void {
  if (interrupt.signal.aborted) {
    console.error(error);
    return;
  }
  interrupt.abort(error);
  setTimeout(() => {
    console.error(`bench: not ended ${CLEAN_UP_MS / 1000} s after`, error);
    process.exit(EXIT_FAILED);
  }, CLEAN_UP_MS).unref();
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
