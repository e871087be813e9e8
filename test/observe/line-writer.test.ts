/** A line's bytes are what joining the same parts as strings would have given. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { escapeText } from '../../src/observe/format/escape.ts';
import { LineWriter } from '../../src/observe/line-writer.ts';

function written(write: (out: LineWriter) => void): string {
  const out = new LineWriter();
  write(out);
  const target = Buffer.alloc(out.length + 2, '.');
  out.copyTo(target, 1);
  assert.equal(target.toString(), `.${out.toString()}.`);
  return out.toString();
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ maxLength: 200 }),
  fc.constant('x'.repeat(9000)),
);

describe('a line writer', () => {
  test('writes any text as UTF-8, whatever its length', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (parts) => {
        const line = written((out) => parts.forEach((part) => out.text(part)));
        assert.equal(line, Buffer.from(parts.join('')).toString());
      }),
    );
  });

  test('copies what stands between values', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (parts) => {
        const line = written((out) => parts.forEach((part) => out.literal(Buffer.from(part))));
        assert.equal(line, Buffer.from(parts.join('')).toString());
      }),
    );
  });

  test('escapes the text of peers as the escape says', () => {
    fc.assert(
      fc.property(text, fc.string({ maxLength: 5 }), (value, before) => {
        const line = written((out) => {
          out.text(before);
          out.untrusted(value);
        });
        assert.equal(line, before + escapeText(value));
      }),
    );
  });

  test('writes numbers as String does', () => {
    const edges = [
      0,
      -0,
      9,
      10,
      99,
      100,
      999_999_999,
      1_000_000_000,
      -1,
      -999_999_999,
      2 ** 53,
      1e21,
      0.5,
      -3.25,
    ];
    for (const value of [...edges, Number.NaN, Number.POSITIVE_INFINITY])
      assert.equal(
        written((out) => out.number(value)),
        String(value),
      );
    const numbers = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double());
    fc.assert(
      fc.property(numbers, (value) =>
        assert.equal(
          written((out) => out.number(value)),
          String(value),
        ),
      ),
    );
  });

  test('writes digits with leading zeros', () => {
    fc.assert(
      fc.property(fc.nat({ max: 999_999 }), (value) => {
        assert.equal(
          written((out) => out.digits(value, 6)),
          String(value).padStart(6, '0'),
        );
      }),
    );
    // Of a fraction the whole part, as a stamp of milliseconds has it.
    assert.equal(
      written((out) => out.digits(7.999, 3)),
      '007',
    );
  });

  test('grows with a line and starts the next one empty', () => {
    const out = new LineWriter();
    for (const size of [10, 5000, 300_000, 3]) {
      out.begin();
      for (let count = 0; count < size; count += 1) out.byte(0x61);
      assert.equal(out.toString(), 'a'.repeat(size));
    }
  });
});
