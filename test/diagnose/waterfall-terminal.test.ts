/** The waterfall in a terminal: its drawing, its width, and that nothing in a line can steer the terminal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { renderTerminal } from '../../src/diagnose/waterfall/terminal.ts';
import { waterfallOf } from '../../src/diagnose/waterfall/waterfall.ts';
import { OWN_LINES, recordOf, TALK_LINES } from './support/page-report.ts';

/** Tokens are not broken: they can be searched for in the log. */
const WHOLE_TOKEN = /^ {2}\S+$/;
const PLAIN = { columns: 80, ascii: false, colours: false };

function draw(line: string | undefined, style = PLAIN): string {
  assert.ok(line !== undefined);
  return renderTerminal(waterfallOf(recordOf(line)), style);
}

test('head and body apart are seen in the drawing', () => {
  const lines = draw(TALK_LINES[4]).split('\n');
  const at = lines.findIndex((line) => line.startsWith('phases'));
  assert.deepEqual(lines.slice(at, at + 10), [
    'phases             ▒▒████▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒',
    '                   pool 1 ms               response 19 ms',
    '                     upstream 1 ms',
    'client → proxy     █',
    '                   100183 B H,D,E',
    'proxy → upstream     █',
    '                     101352 B',
    'upstream → proxy           █···················································█',
    '                           1077 B H              gap 19 ms            1013 B D,E',
    'proxy → client     not in this line',
  ]);
});

test('no line of the drawing is wider than the terminal, whatever the request', () => {
  for (const columns of [40, 80, 133]) {
    for (const line of [...OWN_LINES, ...TALK_LINES]) {
      const wide = draw(line, { ...PLAIN, columns })
        .split('\n')
        .filter((row) => row.length > columns && !WHOLE_TOKEN.test(row));
      assert.deepEqual(wide, []);
    }
  }
});

test('ascii is ascii', () => {
  for (const line of [...OWN_LINES, ...TALK_LINES])
    assert.doesNotMatch(draw(line, { ...PLAIN, ascii: true }), /[^ -~\n]/);
});

test('colours are there when asked for, and only then', () => {
  for (const line of OWN_LINES.slice(-5)) {
    const coloured = draw(line, { ...PLAIN, colours: true });
    assert.notEqual(coloured, draw(line));
    assert.equal(stripVTControlCharacters(coloured).replaceAll(/ +$/gm, ''), draw(line));
  }
});

test('control characters and turned text in a line are written out', () => {
  const hostile = '/x\u001b[2J\u001b]0;owned\u0007\u202egnp.\u200b\u009b31m';
  const line = TALK_LINES[4]?.replace('/split?delay=19', hostile).replace('curl/8.4.0', '\u001b[31m');
  const text = draw(line);
  assert.ok(text.includes('\\u001b[2J'), text.slice(0, 200));
  assert.ok(text.includes('\\u202egnp.\\u200b'));
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
});
