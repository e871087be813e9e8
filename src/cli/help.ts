/** The help texts, made from the tables of commands and options. Colours only where a terminal shows them (`NO_COLOR` is obeyed). */
import { styleText } from 'node:util';
import type { Command, CommandGroup } from './command.ts';
import type { OptionSpec } from './option.ts';

const WIDTH = 100;

export function programHelp(commands: readonly (Command | CommandGroup)[]): string {
  const rows = commands.map(({ name, summary }): [string, string] => [name, summary]);
  return [
    `${heading('Usage:')} nodeproxy COMMAND [options]`,
    '',
    'One L4/L7 proxy per node, shaped like Envoy, whose access log explains every millisecond of a request.',
    '',
    heading('Commands:'),
    ...table(rows),
    '',
    heading('Options:'),
    ...table([
      ['-h, --help', 'this text; behind a command, that of the command'],
      ['-v, --version', 'the version'],
    ]),
    '',
    'Without a file, `nodeproxy run` starts a configuration of its own with two demo services: the shortest way to see it work.',
  ].join('\n');
}

export function groupHelp(group: CommandGroup, commands: readonly Command[]): string {
  return [
    `${heading('Usage:')} nodeproxy ${group.name} COMMAND …`,
    '',
    `${group.summary}.`,
    '',
    heading('Commands:'),
    ...table(commands.map(({ name, summary }): [string, string] => [name, summary])),
    '',
    `\`nodeproxy ${group.name} COMMAND --help\` shows the options of one.`,
  ].join('\n');
}

export function commandHelp(command: Command): string {
  const lines = [
    `${heading('Usage:')} nodeproxy ${command.name} ${command.usage}`,
    '',
    `${command.summary}.`,
  ];
  if (command.options.length > 0) {
    lines.push(
      '',
      heading('Options:'),
      ...table(command.options.map((spec) => [optionText(spec), spec.help])),
    );
  }
  for (const note of command.notes) lines.push('', ...wrap(note, WIDTH));
  return lines.join('\n');
}

function optionText(spec: OptionSpec): string {
  const short = spec.short === undefined ? '    ' : `-${spec.short}, `;
  return `${short}--${spec.name}${spec.value === undefined ? '' : ` ${spec.value}`}`;
}

function heading(text: string): string {
  return styleText('bold', text);
}

/** Two columns; the second is wrapped at word ends. */
function table(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.max(...rows.map(([name]) => name.length));
  return rows.flatMap(([name, text]) =>
    wrap(text, WIDTH - left - 4).map((line, index) => `  ${(index === 0 ? name : '').padEnd(left)}  ${line}`),
  );
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
