/**
 * From the words behind `nodeproxy` to an exit code: finds the command, parses its options, shows help, turns expected failures into
 * their messages. Anything unexpected is left to crash with its stack.
 */
import { ConfigError } from '../config/config-error.ts';
import { suggestion } from '../config/suggestion.ts';
import { versionText } from '../server/version.ts';
import { SocketInterfaceError } from '../server/socket-choice.ts';
import { StartError } from '../server/worker-pool.ts';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from './command.ts';
import type { Command, Output } from './command.ts';
import { commandHelp, programHelp } from './help.ts';
import { LAB } from './lab.ts';
import { parseOptions, UsageError } from './option.ts';
import { RUN } from './run.ts';
import { VALIDATE } from './validate.ts';

export const COMMANDS: readonly Command[] = [RUN, VALIDATE, LAB];

/** Resolves with the exit code. */
export async function commandLine(args: readonly string[], out: Output): Promise<number> {
  try {
    return await dispatch(args, out);
  } catch (error) {
    if (error instanceof UsageError) {
      out.problem(`nodeproxy: ${error.message}`);
      out.problem(`Try \`nodeproxy ${helpOf(args[0])}\`.`);
      return EXIT_USAGE;
    }
    if (error instanceof ConfigError) {
      out.problem(error.message);
      out.problem(
        `nodeproxy: ${error.issues.length} ${error.issues.length === 1 ? 'error' : 'errors'} in the configuration`,
      );
      return EXIT_FAILED;
    }
    if (error instanceof StartError || error instanceof SocketInterfaceError) {
      out.problem(`nodeproxy: ${error.message}`);
      return EXIT_FAILED;
    }
    throw error;
  }
}

async function dispatch(args: readonly string[], out: Output): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    out.result(helpFor(rest[0]));
    return EXIT_OK;
  }
  if (first === '--version' || first === '-v' || first === 'version') {
    out.result(versionText());
    return EXIT_OK;
  }
  const command = find(first);
  if (rest.includes('--help') || rest.includes('-h')) {
    out.result(commandHelp(command));
    return EXIT_OK;
  }
  return command.run(parseOptions(rest, command.options), out);
}

/** The help that says what was meant: the command's own, if one was named. */
function helpOf(first: string | undefined): string {
  return COMMANDS.some(({ name }) => name === first) ? `${first ?? ''} --help` : '--help';
}

function helpFor(name: string | undefined): string {
  return name === undefined ? programHelp(COMMANDS) : commandHelp(find(name));
}

function find(name: string): Command {
  const command = COMMANDS.find((each) => each.name === name);
  if (command !== undefined) return command;
  const near = suggestion(name, [...COMMANDS.map((each) => each.name), '--help', '--version']);
  if (!name.startsWith('-')) throw new UsageError(`unknown command ${name}${near}`);
  const option = name.replace(/^--?/, '').replace(/=.*$/, '');
  const isOfRun = RUN.options.some((each) => each.name === option || each.short === option);
  throw new UsageError(
    isOfRun ? `${name} stands behind a command: nodeproxy run ${name} …` : `unknown option ${name}${near}`,
  );
}
