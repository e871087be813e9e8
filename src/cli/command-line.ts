/**
 * From the words behind `nodeproxy` to an exit code: finds the command, parses its options, shows help, turns expected failures into
 * their messages. Anything unexpected is left to crash with its stack.
 */
import { ConfigError } from '../config/config-error.ts';
import { suggestion } from '../config/suggestion.ts';
import { versionText } from '../server/version.ts';
import { SocketInterfaceError } from '../server/socket-choice.ts';
import { StartError } from '../server/worker-pool.ts';
import { BISECT } from './bisect.ts';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from './command.ts';
import type { Command, CommandGroup, Output } from './command.ts';
import { commandHelp, groupHelp, programHelp } from './help.ts';
import { LAB } from './lab.ts';
import { LOGS } from './logs.ts';
import { parseOptions, UsageError } from './option.ts';
import { RUN } from './run.ts';
import { TRACE } from './trace.ts';
import { VALIDATE } from './validate.ts';

export const COMMANDS: readonly Command[] = [RUN, VALIDATE, LAB, TRACE, BISECT];
const GROUPS: readonly CommandGroup[] = [LOGS];

/** Resolves with the exit code. */
export async function commandLine(args: readonly string[], out: Output): Promise<number> {
  try {
    return await dispatch(args, out);
  } catch (error) {
    if (error instanceof UsageError) {
      out.problem(`nodeproxy: ${error.message}`);
      out.problem(`Try \`nodeproxy ${await helpOf(args)}\`.`);
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
    out.result(await helpFor(rest));
    return EXIT_OK;
  }
  if (first === '--version' || first === '-v' || first === 'version') {
    out.result(versionText());
    return EXIT_OK;
  }
  const group = GROUPS.find(({ name }) => name === first);
  if (group !== undefined) return dispatchGroup(group, rest, out);
  return runCommand(find(first), rest, out);
}

function runCommand(command: Command, args: readonly string[], out: Output): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    out.result(commandHelp(command));
    return Promise.resolve(EXIT_OK);
  }
  return command.run(parseOptions(args, command.options), out);
}

async function dispatchGroup(
  group: CommandGroup,
  [second, ...rest]: readonly string[],
  out: Output,
): Promise<number> {
  const commands = await group.load();
  if (second === '--help' || second === '-h') {
    out.result(groupHelp(group, commands));
    return EXIT_OK;
  }
  return runCommand(findIn(group, commands, second), rest, out);
}

function findIn(group: CommandGroup, commands: readonly Command[], word: string | undefined): Command {
  const short = (command: Command): string => command.name.slice(group.name.length + 1);
  const names = commands.map(short);
  if (word === undefined) throw new UsageError(`${group.name} needs a command: ${names.join(', ')}`);
  const command = commands.find((each) => short(each) === word);
  if (command === undefined)
    throw new UsageError(`unknown command ${group.name} ${word}${suggestion(word, names)}`);
  return command;
}

/** The help that says what was meant: the command's own, if one was named. */
async function helpOf([first = '', second = '']: readonly string[]): Promise<string> {
  const group = GROUPS.find(({ name }) => name === first);
  if (group === undefined) return COMMANDS.some(({ name }) => name === first) ? `${first} --help` : '--help';
  const commands = await group.load();
  return commands.some(({ name }) => name === `${first} ${second}`)
    ? `${first} ${second} --help`
    : `${first} --help`;
}

async function helpFor([first, second]: readonly string[]): Promise<string> {
  if (first === undefined) return programHelp([...COMMANDS, ...GROUPS]);
  const group = GROUPS.find(({ name }) => name === first);
  if (group === undefined) return commandHelp(find(first));
  const commands = await group.load();
  return second === undefined ? groupHelp(group, commands) : commandHelp(findIn(group, commands, second));
}

function find(name: string): Command {
  const command = COMMANDS.find((each) => each.name === name);
  if (command !== undefined) return command;
  const near = suggestion(name, [
    ...[...COMMANDS, ...GROUPS].map((each) => each.name),
    '--help',
    '--version',
  ]);
  if (!name.startsWith('-')) throw new UsageError(`unknown command ${name}${near}`);
  const option = name.replace(/^--?/, '').replace(/=.*$/, '');
  const isOfRun = RUN.options.some((each) => each.name === option || each.short === option);
  throw new UsageError(
    isOfRun ? `${name} stands behind a command: nodeproxy run ${name} …` : `unknown option ${name}${near}`,
  );
}
