/** `/help`: one line per endpoint, also behind the answer to an unknown path. */
import type { Endpoint } from '../endpoint.ts';
import { textReply } from '../endpoint.ts';

export const help: Endpoint = {
  path: '/help',
  help: 'print out list of admin commands',
  mutates: false,
  handle: ({ endpoints }) => textReply(helpText(endpoints)),
};

export function helpText(endpoints: readonly Endpoint[]): string {
  const lines = endpoints
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .flatMap((endpoint) => [
      `  ${endpoint.path}${endpoint.mutates ? ' (POST)' : ''}: ${endpoint.help}`,
      ...(endpoint.parameters ?? []).map(({ name, description, kind }) => {
        const values = typeof kind === 'string' ? '' : `; One of (${kind.join(', ')})`;
        return `      ${name}: ${description}${values}`;
      }),
    ]);
  return `admin commands are:\n${lines.join('\n')}\n`;
}
