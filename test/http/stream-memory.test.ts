/** What a request leaves behind when it is over: nothing that the collector could not take, on a connection that lives on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { FilterHeadersStatus, StreamFilter } from '../../src/api/http.ts';
import { HttpBench } from './support/http-bench.ts';

const STREAMS = 2000;
/** The newest one may still be the connection's last. */
const STILL_KNOWN = 2;
const COLLECTIONS = 3;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** One per stream; what it holds (callbacks, and through them the stream) lives as long as it does. */
class Witness implements StreamFilter {
  decodeHeaders(): FilterHeadersStatus {
    return 'continue';
  }
}

for (const how of ['an answer', 'a reset by the filters', 'a client that leaves'] as const) {
  test(`${STREAMS} streams that end by ${how} are all given up`, async () => {
    const witnesses: WeakRef<Witness>[] = [];
    const streams: WeakRef<object>[] = [];
    const make = () =>
      new HttpBench({
        filters: [
          () => {
            const witness = new Witness();
            witnesses.push(new WeakRef(witness));
            return witness;
          },
        ],
      });
    let bench = make();
    for (let count = 0; count < STREAMS; count += 1) {
      bench.receive('GET / HTTP/1.1\r\nhost: h\r\n\r\n');
      streams.push(new WeakRef(bench.terminal.callbacks));
      if (how === 'an answer') bench.terminal.respond(200, 'ok');
      else if (how === 'a reset by the filters') bench.terminal.callbacks.resetStream();
      else bench.connection.fail();
      bench.flush();
      // The bench remembers more than the connection does.
      bench.log.length = 0;
      bench.terminals.length = 0;
      if (how !== 'an answer') bench = make();
      if (count % 100 === 0) await new Promise(setImmediate);
    }
    assert.equal(witnesses.length, STREAMS);
    const alive = (refs: readonly WeakRef<object>[]): number =>
      new Set(refs.map((ref) => ref.deref()).filter((each) => each !== undefined)).size;
    // A WeakRef keeps its object to the end of the turn that made it or looked at it; and a collection that had already begun to
    // mark spares what is younger than its beginning.
    for (let round = 0; round < COLLECTIONS; round += 1) {
      await new Promise(setImmediate);
      collect();
    }
    assert.ok(alive(witnesses) <= STILL_KNOWN, `${alive(witnesses)} filters are held`);
    assert.ok(alive(streams) <= STILL_KNOWN, `${alive(streams)} streams are held`);
    assert.equal(bench.terminals.length, 0, 'the connection was there to the end');
  });
}
