/** Ids of requests: a prefix for each load of each client, so that a line in a log tells which client of which round it is of. */
import { randomBytes } from 'node:crypto';
import { requestId } from '../harness/open-loop.ts';

const PREFIX_BYTES = 12;
/** Of an id's text: the last eight digits are the request's number. */
const NUMBER_DIGITS = 8;
const ID = /"([\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12})"/;

/** Of one load, by chance: no other load's. */
export function idPrefix(): string {
  return randomBytes(PREFIX_BYTES).toString('hex');
}

/** What all ids of a load begin with in a log. */
export function idStart(prefix: string): string {
  return requestId(prefix, 0).slice(0, -NUMBER_DIGITS);
}

/** The first id in a line. */
export function idIn(line: string): string | null {
  return ID.exec(line)?.[1] ?? null;
}
