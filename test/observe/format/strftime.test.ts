import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileTime } from '../../../src/observe/format/strftime.ts';

/** 2026-11-21T06:07:08.123456Z, a Saturday. */
const AT = Date.UTC(2026, 10, 21, 6, 7, 8) * 1000 + 123_456;

describe('times in formats', () => {
  it('are ISO-8601 in UTC with milliseconds unless told otherwise', () => {
    assert.equal(compileTime(null, false)(AT), '2026-11-21T06:07:08.123Z');
  });

  it('know the directives of strftime and the fractions of Envoy', () => {
    const text = compileTime('%Y/%m/%d %H:%M:%S %3f %6f %9f %f %s %j %a %b %e %T %F %% %z %I%p', false);
    assert.equal(
      text(AT),
      '2026/11/21 06:07:08 123 123456 123456000 123456000 1795241228 325 Sat Nov 21 06:07:08 2026-11-21 % +0000 06AM',
    );
  });

  it('change with the second although they are kept within it', () => {
    const text = compileTime('%S.%3f', false);
    assert.equal(text(AT), '08.123');
    assert.equal(text(AT + 500_000), '08.623');
    assert.equal(text(AT + 900_000), '09.023');
    assert.equal(text(AT), '08.123');
  });

  it('in local time are the same instant', () => {
    const local = compileTime('%Y-%m-%dT%H:%M:%S.%3f%Ez', true)(AT);
    assert.equal(Date.parse(local), Math.floor(AT / 1000));
  });

  it('refuse a directive that does not exist', () => {
    assert.throws(() => compileTime('%Q', false), /no such directive %Q/);
    assert.throws(() => compileTime('100%', false), /lone %/);
  });
});
