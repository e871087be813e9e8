/** Request ids are random UUIDs of version 4, and no two are the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomRequestIds } from '../../src/http/request-id.ts';

const VERSION_4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** More than one draw of random bytes has. */
const MANY = 10_000;

test('an id is a UUID of version 4, new each time and from each source', () => {
  const [one, other] = [randomRequestIds(), randomRequestIds()];
  const ids = Array.from({ length: MANY }, (_, index) => (index % 2 === 0 ? one() : other()));
  for (const id of ids) assert.match(id, VERSION_4);
  assert.equal(new Set(ids).size, MANY);
});

test('each digit that is random takes every value', () => {
  const ids = randomRequestIds();
  const seen = Array.from({ length: 36 }, () => new Set<string>());
  for (let count = 0; count < MANY; count += 1)
    for (const [place, digit] of ids().split('').entries()) seen[place]?.add(digit);
  for (const [place, { size }] of seen.entries()) {
    const fixed = [8, 13, 14, 18, 23].includes(place);
    assert.equal(size, fixed ? 1 : place === 19 ? 4 : 16, `digit ${place}`);
  }
});
