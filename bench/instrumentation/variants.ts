/**
 * The logs that are compared: the ladder from none to everything, and each instrumented operator alone behind Envoy's default
 * format. What no format prints is not recorded, so the difference is the cost of recording and printing it.
 */
import {
  DEFAULT_FORMAT,
  DIAGNOSTIC_FORMAT,
  INSTRUMENTED_FORMAT,
} from '../../src/observe/format/instrumented-format.ts';
import type { LogFormat } from '../contenders/bootstrap.ts';
import type { Contender } from '../contenders/contender.ts';
import { nodeproxy } from '../contenders/nodeproxy.ts';

export const NONE = variant('no log', null);
export const PLAIN = variant('plain', 'default');
export const FULL = variant('full', { text: INSTRUMENTED_FORMAT });

export const LADDER: readonly Contender[] = [
  NONE,
  PLAIN,
  variant('plain, ledger and verdict', behindPlain('%LEDGER% %VERDICT%')),
  FULL,
  variant('diagnostic', { text: DIAGNOSTIC_FORMAT }),
  variant('full, JSON', { json: jsonOf(INSTRUMENTED_FORMAT) }),
];

export const GROUPS: readonly Contender[] = [
  PLAIN,
  variant('reads from the client', behindPlain('"%DOWNSTREAM_READ_DURATION%"')),
  variant('writes upstream', behindPlain('"%UPSTREAM_WRITE_DURATION%"')),
  variant('reads from upstream', behindPlain('"%UPSTREAM_READ_DURATION%"')),
  variant('writes to the client', behindPlain('"%DOWNSTREAM_WRITE_DURATION%"')),
  variant('time in filters', behindPlain('%FILTER_DURATION%')),
  variant('turn of the loop', behindPlain('%LOOP_TURN%')),
];

/** What a client notices: the logs that one would leave on. */
export const NOTICED: readonly Contender[] = [NONE, PLAIN, FULL];

function variant(name: string, log: LogFormat): Contender {
  return nodeproxy({ name, file: name.replaceAll(/[ ,]+/g, '-'), log });
}

function behindPlain(operators: string): LogFormat {
  return { text: `${DEFAULT_FORMAT.trimEnd()} ${operators}\n` };
}

/** The operators of a text format as members of an object, each once. */
export function jsonOf(format: string): Record<string, string> {
  const operators = format.match(/%[^%]+%/g) ?? [];
  return Object.fromEntries(operators.map((operator) => [memberOf(operator), operator]));
}

/** `%REQ(X-FORWARDED-FOR)%` -> `req_x_forwarded_for`. */
function memberOf(operator: string): string {
  return operator
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');
}
