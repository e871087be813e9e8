/** A fleet in network namespaces, with a slow link between its nodes: skipped where there is no root. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { coresOf } from '../../bench/harness/set-up.ts';
import { Fleet } from '../../bench/topology/fleet.ts';
import { isRight } from '../../bench/topology/matrix-section.ts';
import { measureCell } from '../../bench/topology/matrix.ts';
import { namespaceNames, whyNoNamespaces } from '../../bench/topology/namespaces.ts';
import { openNetwork } from '../../bench/topology/network.ts';
import { FRONTS } from '../../bench/topology/proxy-config.ts';

const reason = whyNoNamespaces();
const options = reason === null ? {} : { skip: `no network namespaces: ${reason}` };
const DELAY_MS = 10;

test(
  'all fronts work with all others in namespaces, over a link of 10 ms, and nothing is left',
  options,
  async () => {
    const { all } = coresOf();
    const network = await openNetwork({ kind: 'namespaces', pods: 2, note: () => undefined });
    const folder = mkdtempSync(join(tmpdir(), 'topology-namespaces-'));
    const { signal } = new AbortController();
    let fleet: Fleet | null = null;
    try {
      fleet = await Fleet.start({
        network,
        folder,
        service: 'demo',
        concurrency: 1,
        linkDelayMs: DELAY_MS,
        proxyCores: all,
        otherCores: all,
        signal,
      });
      for (const client of FRONTS) {
        for (const server of FRONTS) {
          const cell = await measureCell(fleet, { client, server }, signal);
          const name = `${client} to ${server}`;
          assert.equal(cell.failed, 0, name);
          for (const count of [...cell.outbound, ...cell.inbound])
            assert.ok(isRight(count), `${name}: ${JSON.stringify(count)}`);
          assert.ok(cell.p50 >= 2 * DELAY_MS * 1000, `${name}: ${cell.p50} µs there and back`);
        }
      }
    } finally {
      await fleet?.stop();
      network.close();
      rmSync(folder, { recursive: true, force: true });
    }
    const left = namespaceNames().filter((name) => name.startsWith(`npb-${process.pid}-`));
    assert.deepEqual(left, []);
  },
);

test('a fleet that cannot start leaves no process and no namespace', options, async () => {
  const network = await openNetwork({ kind: 'namespaces', pods: 1, note: () => undefined });
  const folder = mkdtempSync(join(tmpdir(), 'topology-namespaces-'));
  const aborted = AbortSignal.abort(new Error('interrupted'));
  try {
    const started = Fleet.start({
      network,
      folder,
      service: 'demo',
      concurrency: 1,
      linkDelayMs: 0,
      proxyCores: coresOf().all,
      otherCores: coresOf().all,
      signal: aborted,
    });
    await assert.rejects(started, /interrupted/);
  } finally {
    network.close();
    rmSync(folder, { recursive: true, force: true });
  }
  assert.deepEqual(
    namespaceNames().filter((name) => name.startsWith(`npb-${process.pid}-`)),
    [],
  );
});
