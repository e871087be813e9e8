/**
 * `nodeproxy bisect`: is it the mesh? The same service asked directly and through the proxy in turns, and a sentence that says whose the
 * time is. Exit code 0: it was compared, whatever the answer; 1: there was nothing to compare.
 */
import { EXIT_FAILED, EXIT_OK } from './command.ts';
import type { Command, Output } from './command.ts';
import { UsageError, wholeNumber } from './option.ts';
import type { ParsedOptions } from './option.ts';

const DEFAULT_REQUESTS = 200;
const DEFAULT_RATE = 50;
const DEFAULT_ADDED_MS = 3;
const DEFAULT_SLOW_MS = 10;
const DEFAULT_SECONDS = 60;
const TIMEOUT_MS = 15_000;

export const BISECT: Command = {
  name: 'bisect',
  summary: 'Say whether it is the mesh: the same service with and without the proxy',
  usage: '--direct URL --through URL [options]',
  options: [
    { name: 'direct', value: '<url>', help: 'the service itself', check: checkUrl },
    { name: 'through', value: '<url>', help: 'the same through the proxy', check: checkUrl },
    {
      name: 'through2',
      value: '<url>',
      help: 'the same on a third way, as past the L7 proxy',
      check: checkUrl,
    },
    {
      name: 'requests',
      value: '<n>',
      help: `on each way; default ${DEFAULT_REQUESTS}`,
      check: wholeNumber(10, 100_000),
    },
    {
      name: 'rate',
      value: '<r>',
      help: `rounds a second at most, one request on each way; default ${DEFAULT_RATE}`,
      check: wholeNumber(1, 10_000),
    },
    {
      name: 'added-ms',
      value: '<n>',
      help: `what the proxy may add; default ${DEFAULT_ADDED_MS}`,
      check: wholeNumber(0, 60_000),
    },
    {
      name: 'slow-ms',
      value: '<n>',
      help: `what the service may take; default ${DEFAULT_SLOW_MS}`,
      check: wholeNumber(0, 60_000),
    },
    {
      name: 'seconds',
      value: '<n>',
      help: `no new round after so long; default ${DEFAULT_SECONDS}`,
      check: wholeNumber(1, 3600),
    },
    { name: 'json', help: 'one JSON object instead of sentences' },
  ],
  notes: [
    'GET requests, one at a time, the ways in turns in random order, on one kept-alive connection each; the first five rounds do not count. In ' +
      'parentheses: the interval that holds the true value in 95 of 100 runs. The proxy is blamed only if even its nearest ends are too far apart.',
  ],
  run,
};

function checkUrl(value: string): string | null {
  const protocol = URL.parse(value)?.protocol;
  return protocol === 'http:' || protocol === 'https:' ? null : 'must be an http:// or https:// URL';
}

async function run({ values, positionals }: ParsedOptions, out: Output): Promise<number> {
  const [unexpected] = positionals;
  if (unexpected !== undefined)
    throw new UsageError(`unexpected "${unexpected}": the ways are given with --direct and --through`);
  const ways = ['direct', 'through', 'through2'].flatMap((name) => {
    const url = values.get(name);
    return url === undefined ? [] : [{ name, url: new URL(url) }];
  });
  for (const name of ['direct', 'through'])
    if (!values.has(name)) throw new UsageError(`bisect needs --${name}`);
  const number = (name: string, otherwise: number): number => Number(values.get(name) ?? otherwise);
  // Loaded only here: who runs a proxy has no use for them.
  const { sampleWays } = await import('../trace/bisect-samples.ts');
  const { judge } = await import('../trace/bisect-verdict.ts');
  const { bisectJson, bisectText } = await import('../trace/bisect-text.ts');
  const samples = await sampleWays(ways, {
    requests: number('requests', DEFAULT_REQUESTS),
    rate: number('rate', DEFAULT_RATE),
    timeoutMs: TIMEOUT_MS,
    limitMs: number('seconds', DEFAULT_SECONDS) * 1000,
  });
  const tolerance = {
    addedMs: number('added-ms', DEFAULT_ADDED_MS),
    slowMs: number('slow-ms', DEFAULT_SLOW_MS),
  };
  const result = judge(samples, tolerance);
  if (result === null || result.blame === 'unknown') {
    out.problem('nodeproxy: nothing was measured in the time given: raise --seconds');
    return EXIT_FAILED;
  }
  out.result(values.has('json') ? bisectJson(result) : bisectText(result, tolerance));
  return EXIT_OK;
}
