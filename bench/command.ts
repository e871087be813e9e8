/**
 * What `npm run bench` does with its arguments: list, run, compare. Everything outside (scenarios, streams, signals) is given, so
 * that tests call it as `main.ts` does.
 *
 * Exit codes: 0 done, 1 failed, 2 called wrongly, 128 + n ended by signal n.
 */
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from '../src/cli/command.ts';
import { parseOptions, UsageError } from '../src/cli/option.ts';
import { suggestion } from '../src/config/suggestion.ts';
import { benchHelp, scenarioHelp } from './help.ts';
import { compareText } from './report/compare.ts';
import { readReport } from './report/read-report.ts';
import { runScenario } from './run-scenario.ts';
import type { RunContext } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';

export interface BenchContext extends RunContext {
  readonly scenarios: readonly Scenario[];
  /** Errors, one call each. */
  readonly problem: (text: string) => void;
  /** Show where an error was thrown. */
  readonly stacks: boolean;
}

/** The reason of an aborted run: a signal of the system. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(signal: string, exitCode: number) {
    super(`interrupted by ${signal}, no report was written`);
    this.exitCode = exitCode;
  }
}

/** Resolves with the exit code, never rejects. */
export async function benchCommand(args: readonly string[], context: BenchContext): Promise<number> {
  try {
    return await dispatch(args, context);
  } catch (error) {
    context.progress.clear();
    context.problem(problemText(error, context.stacks));
    if (error instanceof Interrupted) return error.exitCode;
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}

async function dispatch([name, ...rest]: readonly string[], context: BenchContext): Promise<number> {
  const { scenarios, print } = context;
  const help = rest.includes('--help') || rest.includes('-h');
  if (name === undefined || name === '--help' || name === '-h' || (name === 'compare' && help)) {
    print(benchHelp(scenarios));
    return EXIT_OK;
  }
  if (name === 'compare') return compare(rest, context);
  const scenario = scenarios.find((each) => each.name === name);
  if (scenario === undefined) throw unknownName(name, scenarios);
  if (help) print(scenarioHelp(scenario));
  else await runScenario(scenario, rest, context);
  return EXIT_OK;
}

function unknownName(name: string, scenarios: readonly Scenario[]): UsageError {
  if (name.startsWith('-')) return new UsageError(`${name}: options stand behind the name of a scenario`);
  const near = suggestion(name, ['compare', ...scenarios.map((each) => each.name)]);
  return new UsageError(`unknown scenario ${name}${near}; without a name they are listed`);
}

function compare(args: readonly string[], { print, problem }: BenchContext): number {
  const { positionals } = parseOptions(args, []);
  const [one, other, more] = positionals;
  if (one === undefined || other === undefined || more !== undefined)
    throw new UsageError('compare needs two reports: ONE.json OTHER.json');
  const { text, comparable } = compareText(readReport(one), readReport(other));
  (comparable ? print : problem)(text);
  return comparable ? EXIT_OK : EXIT_FAILED;
}

function problemText(error: unknown, stacks: boolean): string {
  if (!(error instanceof Error)) return `bench: ${String(error)}`;
  if (stacks && error.stack !== undefined) return `bench: ${error.stack}`;
  return `bench: ${error.message === '' ? error.name : error.message}`;
}
