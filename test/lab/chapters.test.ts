/**
 * The chapters of `labs/`: one for each lab, with its commands, a line that is one of ours, and tokens that stand in it; and one for each
 * walk, with its command and its steps.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { LAB } from '../../src/cli/lab.ts';
import { parseOptions } from '../../src/cli/option.ts';
import { LABS } from '../../src/lab/labs.ts';
import { WALKS } from '../../src/lab/walks.ts';
import { operatorNames } from '../../src/observe/format/operators.ts';
import { parseInstrumentedLine, printInstrumentedLine } from '../../src/observe/grammar/instrumented-line.ts';
import { blocksOf, commandsOf, readDocument, ROOT, wordsOf } from '../docs/markdown.ts';

/** In the order of the course. */
const PARTS = [...new Set([...WALKS, ...LABS].map(({ part }) => part))];
const NAMES = PARTS.flatMap((wanted) =>
  [...WALKS, ...LABS].filter(({ part }) => part === wanted).map(({ name }) => name),
);
const COURSE = readDocument('labs/README.md');
const PREFIX = 'npm run nodeproxy -- lab';

test('each lab has a chapter, each chapter a lab', () => {
  const chapters = readdirSync(`${ROOT}labs`)
    .filter((file) => file.endsWith('.md') && file !== 'README.md')
    .map((file) => file.slice(0, -'.md'.length));
  assert.deepEqual(chapters.toSorted(), NAMES.toSorted());
});

describe('the course', () => {
  test('has every walk and lab once, in the order of the list', () => {
    const linked = [...COURSE.matchAll(/^\d+\. \[([\w-]+)\]\((.*)\):/gm)].map(([, name, file]) => {
      assert.equal(file, `${name}.md`);
      return name;
    });
    assert.deepEqual(linked, NAMES);
  });

  test('has parts that are the labs’', () => {
    const parts = [...COURSE.matchAll(/^## \d+\. (.*)$/gm)].map(([, part = '']) => part.toLowerCase());
    assert.deepEqual(parts, [...PARTS.map((part) => part.toLowerCase()), 'diagnosis']);
  });

  test('tells to run every lab and the pitfalls, with options that exist', () => {
    const told = commandsOf(COURSE);
    assert.ok(told.includes('npm run nodeproxy -- trace /'));
    const labs = told.filter((command) => !command.includes('-- trace '));
    const commands = labs.map((command) => {
      assert.ok(command.startsWith(PREFIX), command);
      return parseOptions(wordsOf(command.slice(PREFIX.length)), LAB.options).positionals[0];
    });
    assert.deepEqual(
      [...new Set(commands)].filter((name) => name !== undefined).toSorted(),
      [...NAMES, 'pitfalls'].toSorted(),
    );
  });
});

for (const walk of WALKS) {
  test(`the chapter ${walk.name} gives the command and tells of every step`, () => {
    const chapter = readDocument(`labs/${walk.name}.md`);
    assert.deepEqual(commandsOf(chapter), [`${PREFIX} ${walk.name}`]);
    const steps = [...chapter.matchAll(/^\d+\. \*\*(.*?)\*\*: \S/gm)].map(([, title]) => title);
    assert.deepEqual(
      steps,
      walk.steps.map(({ title }) => title),
    );
  });
}

for (const lab of LABS) {
  describe(`the chapter ${lab.name}`, () => {
    const chapter = readDocument(`labs/${lab.name}.md`);

    test('gives the two commands', () => {
      assert.deepEqual(commandsOf(chapter), [`${PREFIX} ${lab.name}`, `${PREFIX} ${lab.name} --fixed`]);
    });

    test('shows a line of our grammar, or the groups of one', () => {
      const blocks = blocksOf(chapter);
      for (const { text } of blocks.filter(({ language }) => language === 'log')) {
        const written = text.trimEnd().replaceAll('\n', ' ');
        const line = parseInstrumentedLine(written);
        assert.ok(line !== null, written);
        assert.equal(printInstrumentedLine(line), written);
      }
      assert.ok(blocks.some(({ language, text }) => /log|text/.test(language) && text.includes('"[C')));
    });

    test('explains tokens that stand in it', () => {
      const shown = blocksOf(chapter)
        .filter(({ language }) => /log|text/.test(language))
        .map(({ text }) => text.replaceAll('\n', ' '))
        .join(' ');
      const tokens = [...chapter.matchAll(/^\| `([^`]+)` \|/gm)].map(([, token = '']) => token);
      assert.ok(tokens.length >= 2);
      for (const token of tokens) assert.ok(shown.includes(token), token);
    });

    test('names operators and labs that exist', () => {
      const known = new Set(operatorNames());
      for (const [, operator = ''] of chapter.matchAll(/%([A-Z][A-Z_]+)(?:\([^)%]*\))?%/g))
        assert.ok(known.has(operator), operator);
    });
  });
}
