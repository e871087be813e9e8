/**
 * What a request moves on each way: bytes that the proxies copy (their own counters), bytes that the sockmap takes (counted by its
 * program), packets that the pods' loopbacks carry (counted by the kernel). The same requests are counted and logged by both proxies,
 * which is how a way is known to pass through them.
 */
import { readFileSync } from 'node:fs';
import type { Row, Section } from '../report/report.ts';
import type { BenchRun } from '../scenario.ts';
import type { Contender } from '../topology/contenders.ts';
import type { Fleet } from '../topology/fleet.ts';
import { isRight } from '../topology/matrix-section.ts';
import { measureCell } from '../topology/matrix.ts';
import type { MatrixCell } from '../topology/matrix.ts';
import type { Redirected } from './bpf-interception.ts';
import type { Stand } from './stand.ts';

/** Of an interface in /proc/<pid>/net/dev, from behind its name. */
const RECEIVED_PACKETS = 1;

export interface WayBytes {
  readonly contender: Contender;
  readonly cell: MatrixCell;
  /** By the sockmap's program, of all requests. */
  readonly redirected: Redirected;
  /** On `lo` of both pods, of all requests. */
  readonly loopbackPackets: number;
}

export async function measureBytes(
  bench: BenchRun,
  stand: Stand,
  contenders: readonly Contender[],
): Promise<WayBytes[]> {
  const ways: WayBytes[] = [];
  for (const [index, contender] of contenders.entries()) {
    bench.progress.step(`bytes: ${contender.name}`, index, contenders.length);
    ways.push(await wayBytes(stand, contender, bench.signal));
  }
  return ways;
}

export async function wayBytes(stand: Stand, contender: Contender, signal: AbortSignal): Promise<WayBytes> {
  const { fleet } = stand;
  const before = { redirected: redirectedBy(stand), packets: loopbackPackets(fleet) };
  const cell = await measureCell(fleet, contender.way, signal);
  const after = redirectedBy(stand);
  return {
    contender,
    cell,
    redirected: {
      messages: after.messages - before.redirected.messages,
      bytes: after.bytes - before.redirected.bytes,
    },
    loopbackPackets: loopbackPackets(fleet) - before.packets,
  };
}

function redirectedBy(stand: Stand): Redirected {
  return stand.sockmap?.redirected() ?? { messages: 0, bytes: 0 };
}

/** Of the pods' namespaces, as a process in each sees them. On the loopback network it is the machine's own. */
function loopbackPackets(fleet: Fleet): number {
  const sidecars = [...fleet.side(1).sidecars, ...fleet.side(2).sidecars];
  return sidecars.reduce((sum, { pid }) => sum + packetsOf(readFileSync(`/proc/${pid}/net/dev`, 'utf8')), 0);
}

function packetsOf(devices: string): number {
  const line = devices.split('\n').find((each) => each.trim().startsWith('lo:')) ?? '';
  return Number(line.split(':')[1]?.trim().split(/\s+/)[RECEIVED_PACKETS] ?? 0);
}

export function bytesSection(ways: readonly WayBytes[]): Section {
  const unit = 'bytes/request';
  return {
    title: 'Bytes and packets of a request',
    text: [
      'Counted, not timed: some dozens of requests on each way, all of them found again in the counters and in the logs of the proxies that they are said to have passed.',
    ],
    parts: [
      {
        kind: 'table',
        title: 'What a request moves',
        rows: 'step',
        columns: [
          { name: 'copied by the outbound proxy', unit },
          { name: 'by the inbound proxy', unit },
          { name: 'of these past TCP', unit },
          { name: 'messages past TCP', unit: '1/request' },
          { name: "packets on the pods' lo", unit: '1/request' },
          { name: 'requests' },
          { name: 'in counters and logs of its proxies' },
        ],
        body: ways.map(rowOf),
        notes: [
          'Copied: read from and written to sockets by a proxy, heads and bodies in both directions. Past TCP: taken from sendmsg by the sockmap and put into the queue of the other socket.',
          'A sockmap between sockets of processes does not spare a copy: a message is copied into the kernel by its sender and out of it by its reader as before. It spares the packets: TCP, IP, netfilter, the loopback interface and acknowledgements. Without a copy to the proxy bytes would have to pass it inside the kernel (a stream verdict on its sockets), which an HTTP proxy that reads and changes heads cannot have.',
          "Packets on lo are those of connections inside a pod, their opening and end too; with REDIRECT and TPROXY the client's packets pass it as well as with an addressed proxy.",
        ],
        ranked: false,
      },
    ],
  };
}

function rowOf({ contender, cell, redirected, loopbackPackets: packets }: WayBytes): Row {
  const { requests, failed, copied, outbound, inbound } = cell;
  const both = (side: 'outbound' | 'inbound'): number | null => {
    const bytes = copied[side];
    return bytes === null ? null : bytes.read + bytes.written;
  };
  const right = failed === 0 && [...outbound, ...inbound].every(isRight);
  const proxied = contender.hops > 0;
  return {
    name: contender.name,
    cells: [
      both('outbound'),
      both('inbound'),
      proxied ? redirected.bytes / requests : null,
      proxied ? redirected.messages / requests : null,
      packets / requests,
      requests,
      proxied ? (right ? 'all' : 'not all') : null,
    ],
  };
}
