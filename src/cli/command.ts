/** What every command is: its words for the help, its options, and what it does. One file per command, listed in `commands.ts`. */
import type { OptionSpec, ParsedOptions } from './option.ts';

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Behind the name: `[options] FILE…`. */
  readonly usage: string;
  readonly options: readonly OptionSpec[];
  /** Lines shown at the end of its help. */
  readonly notes: readonly string[];
  /** Resolves with the exit code. */
  run(options: ParsedOptions, out: Output): Promise<number>;
}

/** Commands of two words, `logs diagnose`: loaded when one of them is called, so that `run` does not pay for them. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  /** Their names begin with the group's. */
  load(): Promise<readonly Command[]>;
}

/** Where a command writes: results to one, what goes wrong to the other. */
export interface Output {
  result(text: string): void;
  problem(text: string): void;
}

/** Exit codes: 0 done, 1 it failed, 2 it was called wrongly. */
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
