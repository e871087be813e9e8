import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  parseInstrumentedLine,
  printInstrumentedLine,
  type InstrumentedLine,
} from '../../../src/observe/grammar/instrumented-line.ts';

/** Lines of the talk, its slides' line breaks joined: S1, S1b, S2 to S8, and S9, which is cut at both ends. */
const LINES = readFileSync(new URL('../samples.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');
const CUT = LINES.length - 1;

function parsed(index: number): InstrumentedLine {
  const line = parseInstrumentedLine(LINES[index] ?? '');
  assert.ok(line !== null);
  return line;
}

describe("the talk's samples", () => {
  it('all parse, and the whole ones print again as they stood', () => {
    assert.equal(LINES.length, 10);
    for (const [index, text] of LINES.entries()) {
      const line = parsed(index);
      if (index !== CUT) assert.equal(printInstrumentedLine(line), text);
    }
  });

  it('have their fields in place', () => {
    const { base, six, threadId, tail, rest } = parsed(0);
    assert.equal(base?.path, '/');
    assert.equal(base.method, 'GET');
    assert.equal(base.responseCode, 200);
    assert.equal(base.responseFlags, null);
    assert.equal(base.upstreamServiceTime, 1033);
    assert.equal(base.upstreamCluster, 'outbound|9000||http-server-service.default.svc.cluster.local');
    assert.equal(base.requestedServerName, null);
    assert.equal(base.routeName, 'default');
    assert.deepEqual(Object.values(six ?? {}), [1089, 0, 136, 1089, 0, 1033]);
    assert.equal(threadId, 42);
    assert.deepEqual(tail, [1089, 0]);
    assert.equal(rest, '');
  });

  it('give a read with one number less without its waited', () => {
    const [short] = parsed(0).upstreamReads ?? [];
    const [whole] = parsed(1).upstreamReads ?? [];
    assert.ok(short?.kind === 'read' && whole?.kind === 'read');
    assert.equal(short.waited, undefined);
    assert.equal(whole.waited, 0);
    assert.equal(short.bytes, 1124);
  });

  it('tell created connections from those used, and pauses from resumptions', () => {
    const { upstreamWrites, upstreamReads, downstreamReads } = parsed(8);
    const [write] = upstreamWrites;
    assert.ok(write?.kind === 'write');
    assert.deepEqual([write.createdConnectionId, write.connectionId, write.drained], [114, 44, true]);
    const [read] = upstreamReads ?? [];
    assert.ok(read?.kind === 'read');
    assert.deepEqual(
      read.marks.map(({ mark, flows }) => [mark, flows]),
      [
        ['H', [{ kind: 'resumed', after: 5, stampUs: (18 * 60 + 0.679) * 1e6 }]],
        ['D', []],
        ['E', [{ kind: 'paused', consecutive: 1 }]],
      ],
    );
    const [down] = downstreamReads;
    assert.ok(down?.kind === 'read');
    assert.deepEqual(
      down.marks.map(({ flows }) => flows.length),
      [1, 1, 1],
    );
  });

  it('give of a line that is cut at both ends what is left of it', () => {
    const line = parsed(CUT);
    assert.equal(line.base, null);
    assert.equal(line.six, null);
    assert.equal(line.tail, null);
    assert.equal(line.threadId, 40);
    assert.equal(line.downstreamReads.length, 1);
    const [read] = line.upstreamReads ?? [];
    assert.ok(read?.kind === 'read');
    assert.equal(read.bytes, 1122);
  });
});
