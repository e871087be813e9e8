/**
 * `nodeproxy lab`: without a name the list of walks and labs, with one that one, with `pitfalls` the pitfalls of the talks before and
 * after. Exit code 0: every step, or the diagnosis, said what it should; 1: it did not.
 */
import { suggestion } from '../config/suggestion.ts';
import type { Lab } from '../lab/lab.ts';
import { LabError } from '../lab/lab-proxy.ts';
import { EXIT_FAILED, EXIT_OK } from './command.ts';
import type { Command, Output } from './command.ts';
import { UsageError, wholeNumber } from './option.ts';
import type { ParsedOptions } from './option.ts';

const PITFALLS = 'pitfalls';

export const LAB: Command = {
  name: 'lab',
  summary: 'Walk through the proxy, or produce a known case here and have its log diagnosed',
  usage: '[NAME] [options]',
  options: [
    { name: 'fixed', help: 'the same traffic with the remedy in place' },
    {
      name: 'seconds',
      value: '<n>',
      help: 'traffic for at least so long; default: a few rounds, 1 to 3 s',
      check: wholeNumber(1, 3600),
    },
    { name: 'keep', help: 'leave configuration and logs on disk, and say where' },
  ],
  notes: [
    'Without a name: the list. A walk shows step by step how it goes, a lab what goes wrong and how its log says so. ' +
      '`nodeproxy lab pitfalls` runs those that the talks report from production, before and after their remedy. ' +
      'Everything runs on this machine, on free ports, for a few seconds, and ends with the command.',
    'The chapters are in `labs/`.',
  ],
  run,
};

async function run({ values, positionals }: ParsedOptions, out: Output): Promise<number> {
  const [name, unexpected] = positionals;
  if (unexpected !== undefined) throw new UsageError(`unexpected "${unexpected}": one lab at a time`);
  const print = (text: string): void => out.result(text);
  try {
    return (await dispatch(name, values, print)) ? EXIT_OK : EXIT_FAILED;
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    out.problem(`nodeproxy: ${error.message}`);
    return EXIT_FAILED;
  }
}

/** True: what was to be seen was seen. */
async function dispatch(
  name: string | undefined,
  values: ParsedOptions['values'],
  print: (text: string) => void,
): Promise<boolean> {
  // Loaded only here: who runs a proxy has no use for them.
  const { LABS } = await import('../lab/labs.ts');
  const { WALKS } = await import('../lab/walks.ts');
  const seconds = Number(values.get('seconds') ?? 0);
  if (name === undefined) {
    const { labList } = await import('../lab/lab-text.ts');
    print(
      `${labList([...WALKS, ...LABS])}\n\nRun one: nodeproxy lab NAME [--fixed]. Before and after: nodeproxy lab ${PITFALLS}`,
    );
    return true;
  }
  if (name === PITFALLS) {
    for (const option of ['fixed', 'keep'])
      if (values.has(option)) throw new UsageError(`${PITFALLS} takes no --${option}: it runs both variants`);
    const { runPitfalls } = await import('../lab/pitfalls.ts');
    return runPitfalls(
      LABS.filter(({ pitfall }) => pitfall),
      seconds,
      print,
    );
  }
  const walk = WALKS.find((each) => each.name === name);
  if (walk !== undefined) {
    for (const option of ['fixed', 'keep', 'seconds'])
      if (values.has(option))
        throw new UsageError(`${name} takes no --${option}: nothing is wrong in a walk`);
    const { showWalk } = await import('../lab/run-walk.ts');
    return showWalk(walk, print);
  }
  const lab = labNamed(
    LABS,
    name,
    WALKS.map((each) => each.name),
  );
  const { showLab } = await import('../lab/run-lab.ts');
  const variant = values.has('fixed') ? 'fixed' : 'broken';
  return showLab(lab, { variant, seconds, keep: values.has('keep') }, print);
}

function labNamed(labs: readonly Lab[], name: string, walks: readonly string[]): Lab {
  const lab = labs.find((each) => each.name === name);
  if (lab !== undefined) return lab;
  const near = suggestion(name, [...labs.map((each) => each.name), ...walks, PITFALLS]);
  throw new UsageError(`no lab ${name}${near}; \`nodeproxy lab\` lists them`);
}
