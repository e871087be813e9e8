/**
 * Entry of the process: the command line on the main thread. What it starts ends before it does, so whatever is still open then (a
 * client of the admin, a timer) is not waited for.
 */
import { commandLine } from './cli/command-line.ts';

const out = {
  result: (text: string): void => void process.stdout.write(`${text}\n`),
  problem: (text: string): void => void process.stderr.write(`${text}\n`),
};

const code = await commandLine(process.argv.slice(2), out);
// Standard output may be a pipe that takes its time.
process.stdout.write('', () => process.exit(code));
