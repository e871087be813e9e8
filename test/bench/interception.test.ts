/**
 * Interceptions between real pods: that each brings requests through both proxies, that without it none arrives, that the sockmap
 * goes past TCP, and that nothing is left of any of them. Skipped where there is no root.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findProgram } from '../../bench/harness/programs.ts';
import { coresOf } from '../../bench/harness/set-up.ts';
import { wayBytes } from '../../bench/interception/bytes.ts';
import type { WayBytes } from '../../bench/interception/bytes.ts';
import { PodCgroups, cgroupNames, mountPoint } from '../../bench/interception/pod-cgroups.ts';
import { Stand } from '../../bench/interception/stand.ts';
import { contendersOf, stepsOf } from '../../bench/interception/steps.ts';
import type { Contender } from '../../bench/topology/contenders.ts';
import { isRight } from '../../bench/topology/matrix-section.ts';
import { namespaceNames, namespaceOf, whyNoNamespaces } from '../../bench/topology/namespaces.ts';

const reason = whyNoNamespaces();
const options = reason === null ? {} : { skip: `no network namespaces: ${reason}` };
const folder = mkdtempSync(join(tmpdir(), 'interception-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function open(name: string, notes: string[], signal = new AbortController().signal): Promise<Stand> {
  const { all } = coresOf();
  const own = join(folder, name);
  mkdirSync(own);
  return Stand.open({
    kind: 'namespaces',
    note: (text) => notes.push(text),
    folder: own,
    service: 'demo',
    concurrency: 1,
    proxyCores: all,
    otherCores: all,
    signal,
  });
}

/** What a stand of this process may leave: namespaces, control groups, programs and maps. */
function left(): string[] {
  const mine = (name: string): boolean => name.startsWith(`npb-${process.pid}-`);
  const files = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The one that read the folder.
      return '';
    }
  });
  return [
    ...namespaceNames().filter(mine),
    ...cgroupNames().filter(mine),
    ...files.filter((file) => /:bpf/.test(file)),
  ];
}

/** Rules, and chains that hang on the path of packets, of all tables; rules of routing. */
function rulesIn(namespace: string): string[] {
  const inside = (...command: string[]): string[] =>
    execFileSync('ip', ['netns', 'exec', namespace, ...command], { encoding: 'utf8', stdio: 'pipe' }).split(
      '\n',
    );
  const chains = findProgram('nft') === undefined ? [] : inside('nft', 'list', 'ruleset');
  return [
    ...inside('iptables-save').filter((line) => line.startsWith('-A')),
    ...chains.filter((line) => line.includes('hook')),
    ...inside('ip', 'rule').filter((line) => line.includes('fwmark')),
  ];
}

describe('interception', options, () => {
  const notes: string[] = [];
  /** The last bytes of each. */
  const seen = new Map<string, WayBytes>();
  let stand: Stand;
  before(async () => {
    stand = await open('stand', notes);
  });
  after(async () => {
    await stand.close();
    assert.deepEqual(left(), []);
  });

  const named = (name: string): Contender | undefined =>
    contendersOf(stand).find((contender) => contender.name === name);
  const connects = (seconds: number): boolean => {
    const [client] = stand.fleet.network.clients;
    // bash opens a connection by itself.
    const tried = ['timeout', String(seconds), 'bash', '-c', ': </dev/tcp/10.231.9.1/80'];
    const [command = '', ...args] = [...(client?.command ?? []), ...tried];
    return spawnSync(command, args).status === 0;
  };
  const namespaces = (): string[] =>
    [...stand.fleet.network.clients, ...stand.fleet.network.servers].map((place) => namespaceOf(place));

  for (const name of ['REDIRECT', 'TPROXY', 'eBPF', 'eBPF + sockmap']) {
    test(`${name} brings every request through both proxies, twice over, and is gone behind it`, async (t) => {
      const contender = named(name);
      if (contender === undefined) {
        t.skip(notes.join('; '));
        return;
      }
      assert.equal(connects(0.2), false, 'nobody has the address of the service');
      contender.way.interception?.on();
      assert.equal(connects(10), true);
      const rules = namespaces().flatMap(rulesIn).length;
      assert.equal(rules > 0, ['REDIRECT', 'TPROXY'].includes(name));
      contender.way.interception?.off();
      assert.equal(connects(0.2), false);
      // The second time on connections between the proxies that were opened the first time.
      for (let round = 1; round <= 2; round += 1) {
        const way = await wayBytes(stand, contender, new AbortController().signal);
        seen.set(name, way);
        const { cell } = way;
        assert.equal(cell.failed, 0);
        assert.deepEqual([cell.outbound.length, cell.inbound.length], [1, 1]);
        for (const count of [...cell.outbound, ...cell.inbound])
          assert.ok(isRight(count), JSON.stringify(count));
      }
      for (const namespace of namespaces()) assert.deepEqual(rulesIn(namespace), []);
    });
  }

  test('the sockmap took the messages inside a pod from TCP, and eBPF alone none', (t) => {
    const [past, by] = [seen.get('eBPF + sockmap'), seen.get('eBPF')];
    if (past === undefined || by === undefined) {
      t.skip(notes.join('; '));
      return;
    }
    assert.equal(by.redirected.messages, 0);
    // To and from the first proxy in one pod, to and from the service in the other.
    assert.equal(past.redirected.messages, 4 * past.cell.requests);
    const copied = (side: 'outbound' | 'inbound'): number => {
      const { read, written } = past.cell.copied[side] ?? { read: 0, written: 0 };
      return (read + written) * past.cell.requests;
    };
    const all = copied('outbound') + copied('inbound');
    assert.ok(
      past.redirected.bytes > 0.3 * all && past.redirected.bytes < 0.7 * all,
      'half of what they copy',
    );
    // What the kernel says that it carried: an opening and an end of each connection of the client, and no message.
    assert.ok(by.loopbackPackets >= 4 * by.cell.requests, `${by.loopbackPackets} packets`);
    assert.ok(past.loopbackPackets < past.cell.requests, `${past.loopbackPackets} packets`);
  });
});

test(
  'what the system refuses is left out with its words, and what is interrupted leaves nothing',
  options,
  async () => {
    const programs = join(folder, 'programs');
    mkdirSync(programs);
    const refusing = '#!/bin/sh\necho "no table for you" >&2\nexit 3\n';
    writeFileSync(join(programs, 'iptables-restore'), refusing, { mode: 0o755 });
    const path = process.env['PATH'] ?? '';
    process.env['PATH'] = `${programs}${delimiter}${path}`;
    const notes: string[] = [];
    const controller = new AbortController();
    const opened = open('refused', notes, controller.signal);
    const stand = await opened.finally(() => (process.env['PATH'] = path));
    try {
      for (const name of ['REDIRECT', 'TPROXY'])
        assert.ok(
          notes.some((note) => note.startsWith(`no ${name}:`) && note.includes('no table for you')),
          notes.join(),
        );
      assert.deepEqual(
        [stand.interception('redirect'), stand.interception('tproxy')],
        [undefined, undefined],
      );
      assert.notDeepEqual(left(), []);
      const contender = contendersOf(stand).at(-1);
      assert.ok(contender !== undefined);
      setTimeout(() => controller.abort(new Error('interrupted')), 100);
      await assert.rejects(wayBytes(stand, contender, controller.signal), /interrupted/);
    } finally {
      await stand.close();
    }
    assert.deepEqual(left(), []);
    await assert.rejects(open('not-started', [], controller.signal), /interrupted/);
    assert.deepEqual(left(), []);
  },
);

test(
  'control groups of a benchmark that was killed are removed, those of a living one are not',
  options,
  async (t) => {
    if (mountPoint() === undefined) {
      t.skip('cgroup v2 is not mounted');
      return;
    }
    // Process 1 lives, but did not start then: it only has the id of the one that made this.
    const dead = join(mountPoint() ?? '', 'npb-1-1');
    mkdirSync(join(dead, 'c1'), { recursive: true });
    const pod = { name: 'c1', address: '10.231.1.11', command: [] };
    const living = PodCgroups.make([pod]);
    try {
      assert.ok(!cgroupNames().includes('npb-1-1'));
      assert.equal(left().length, 1);
      PodCgroups.make([pod]);
      assert.equal(left().length, 1);
      const [command, ...args] = [...living.enter(pod).command, 'cat', '/proc/self/cgroup'];
      assert.match(execFileSync(command, args, { encoding: 'utf8' }), /^0::\/npb-\d+-\d+\/c1$/m);
    } finally {
      await living.remove();
    }
    assert.deepEqual(left(), []);
  },
);

test('each step is set against the one before it, an interception against two hops, and none twice', () => {
  const way = { client: 'sidecar', server: 'sidecar' } as const;
  const names = (list: readonly string[]): string[] =>
    stepsOf(list.map((name) => ({ name, way, hops: 2 }))).map(({ name }) => name);
  assert.deepEqual(names(['direct', 'one hop', 'two hops', 'REDIRECT', 'eBPF', 'eBPF + sockmap']), [
    'one hop - direct',
    'two hops - one hop',
    'REDIRECT - two hops',
    'eBPF - REDIRECT',
    'eBPF + sockmap - eBPF',
    'eBPF - two hops',
    'eBPF + sockmap - two hops',
    'eBPF + sockmap - REDIRECT',
  ]);
  assert.deepEqual(names(['direct', 'one hop', 'two hops', 'TPROXY']), [
    'one hop - direct',
    'two hops - one hop',
    'TPROXY - two hops',
  ]);
});
