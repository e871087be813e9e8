/** What the tests of the documents read out of them: fenced blocks by language, commands, named paths. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Block {
  readonly language: string;
  readonly text: string;
}

export function readDocument(name: string): string {
  return readFileSync(ROOT + name, 'utf8');
}

export function blocksOf(document: string): Block[] {
  return [...document.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** The one block of that language, or the n-th. Throws when there is none. */
export function blockOf(document: string, language: string, index = 0): string {
  const found = blocksOf(document).filter((block) => block.language === language)[index];
  if (found === undefined) throw new Error(`no block ${index} of ${language}`);
  return found.text;
}

/** Lines of the `sh` blocks. */
export function commandsOf(document: string): string[] {
  return blocksOf(document)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => line !== '');
}

const PATH = /^(?:(?:src|test|config|bench|bin|scripts|\.ci)\/[\w./*-]*|[A-Z]+(?:\.md)?)$/;

/** Paths of the repository that the text names between backticks. */
export function pathsOf(document: string): string[] {
  const prose = document.replaceAll(/^```.*?^```$/gms, '');
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
  return spans.filter((span) => PATH.test(span) && (span.includes('/') || /^(?:LICENSE|.*\.md)$/.test(span)));
}

/** The words of a command, quotes taken off as a shell does. */
export function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? '',
  );
}
