/** What a wait for a connection was: for one to come free (`pool`), or for a new one to come up (`connect`, `handshake`). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamInfo } from '../../src/api/observe.ts';
import type { Host, PoolAttachment } from '../../src/api/upstream.ts';
import { StreamLedger } from '../../src/observe/ledger.ts';
import { noteAttached } from '../../src/router/upstream-times.ts';

const MS = 1000;

interface Case {
  readonly created: number;
  readonly used: number;
  readonly reused: boolean;
  readonly createdAt: number;
  readonly connectedAt: number;
  /** A TLS connection's handshake has ended now. */
  readonly secure?: boolean;
}

/** Waits from 10 ms on for a connection that it gets at 1000 ms. */
function ledgerOf({ created, used, reused, createdAt, connectedAt, secure = false }: Case): StreamLedger {
  const ledger = new StreamLedger(0, []);
  ledger.enter('pool', 10);
  const upstream = { noteAttempt: () => undefined };
  const connection = { id: used, createdAt, connectedAt, handshakeAt: secure ? 1000 : connectedAt, secure };
  noteAttached(
    { ledger, upstream } as unknown as StreamInfo,
    { connection, createdConnectionId: created, reused, protocol: 'HTTP/1.1' } as unknown as PoolAttachment,
    { address: null, hostname: '' } as unknown as Host,
    1000,
    true,
  );
  ledger.enter('upstream', 1000);
  ledger.close(1005);
  return ledger;
}

test('its own connection: what it took to come up', () => {
  const ledger = ledgerOf({ created: 7, used: 7, reused: false, createdAt: 10, connectedAt: 1000 });
  assert.deepEqual([ledger.segmentUs('pool'), ledger.segmentUs('connect')], [0, 990 * MS]);
});

test('another’s that had just come up, while its own was still coming: connecting all the same', () => {
  const ledger = ledgerOf({ created: 7, used: 8, reused: false, createdAt: 10, connectedAt: 1000 });
  assert.deepEqual([ledger.segmentUs('pool'), ledger.segmentUs('connect')], [0, 990 * MS]);
});

test('a new one that was begun later: the queue until then, connecting from then on', () => {
  const ledger = ledgerOf({
    created: 0,
    used: 8,
    reused: false,
    createdAt: 400,
    connectedAt: 900,
    secure: true,
  });
  const segments = (['pool', 'connect', 'handshake'] as const).map((segment) => ledger.segmentUs(segment));
  assert.deepEqual(segments, [390 * MS, 500 * MS, 100 * MS]);
});

test('one that another request gave back: the queue', () => {
  const ledger = ledgerOf({ created: 7, used: 3, reused: true, createdAt: -5000, connectedAt: -4000 });
  assert.deepEqual([ledger.segmentUs('pool'), ledger.segmentUs('connect')], [990 * MS, 0]);
});
