/**
 * `/logging`: shows the level of each component and changes them: `level=debug` (all), `<name>=debug` (one),
 * `paths=http:trace,pool:debug` (some). Names and levels are checked before anything changes.
 */
import type { Endpoint } from '../endpoint.ts';
import { textReply } from '../endpoint.ts';

type Levels = Record<string, string>;

export const logging: Endpoint = {
  path: '/logging',
  help: 'query/change logging levels',
  mutates: true,
  parameters: [
    { name: 'paths', description: 'change levels: <component>:<level>,...', kind: 'text' },
    { name: 'level', description: 'change the level of all components', kind: 'text' },
  ],
  async handle({ context, query }) {
    const current = context.logLevels();
    const wanted: Levels = {};
    const problem = readLevels(query, Object.keys(current), context.logLevelNames, wanted);
    if (problem !== null) {
      const usage = `usage: /logging?<name>=<level> (change single level)\nusage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)\nusage: /logging?level=<level> (change all levels)\nlevels: ${context.logLevelNames.join(' ')}\n`;
      return textReply(`error: ${problem}\n${usage}`, 400);
    }
    if (Object.keys(wanted).length > 0) await context.setLogLevels(wanted);
    const lines = Object.entries(context.logLevels())
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, level]) => `  ${name}: ${level}\n`);
    return textReply(`active loggers:\n${lines.join('')}\n`);
  },
};

/** Fills `wanted`; the text says what is wrong, null: nothing. */
function readLevels(
  query: URLSearchParams,
  names: readonly string[],
  levels: readonly string[],
  wanted: Levels,
): string | null {
  for (const [key, value] of query) {
    // A form sends the fields that were left empty, too.
    if (value === '' && (key === 'level' || key === 'paths')) continue;
    for (const [name, level] of assignments(key, value, names)) {
      if (!names.includes(name)) return `unknown logger name ${JSON.stringify(name)}`;
      if (!levels.includes(level)) return `unknown logger level ${JSON.stringify(level)}`;
      wanted[name] = level;
    }
  }
  return null;
}

function assignments(key: string, value: string, names: readonly string[]): [string, string][] {
  if (key === 'level') return names.length === 0 ? [] : names.map((name) => [name, value]);
  if (key !== 'paths') return [[key, value]];
  return value.split(',').map((pair) => {
    const colon = pair.indexOf(':');
    return colon === -1 ? [pair, ''] : [pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()];
  });
}
