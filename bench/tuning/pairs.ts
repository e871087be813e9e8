/**
 * The options of the I/O and thread model, each as a proxy without it and one with it, under the load in which it matters. What
 * cannot be switched off (writes coalesced at the end of a loop turn, buffers taken from a slab) has no pair: there is no proxy
 * without it to compare with.
 */
import type { Contender } from '../contenders/contender.ts';
import { nodeproxy } from '../contenders/nodeproxy.ts';
import type { NodeproxyOptions } from '../contenders/nodeproxy.ts';
import type { Work } from '../contenders/rounds.ts';

export interface Pair {
  readonly id: string;
  /** What is changed, from and to. */
  readonly title: string;
  readonly work: Omit<Work, 'name'>;
  readonly before: Contender;
  readonly after: Contender;
}

type Side = Pick<NodeproxyOptions, 'args' | 'listener' | 'cluster' | 'concurrency' | 'allCores'>;

const GET = { path: '/', connections: 64 };
const TWO_WORKERS = { concurrency: 2, allCores: true };
const KIB = 1024;

export const PAIRS: readonly Pair[] = [
  pair('sockets', "system calls: Node's own -> the proxy's", GET, {
    before: { args: ['--socket-interface', 'portable'] },
    after: { args: ['--socket-interface', 'syscall'] },
  }),
  pair('pool', 'upstream connections: one for each request -> pool', GET, {
    before: { cluster: { max_requests_per_connection: 1 } },
    after: {},
  }),
  pair('workers', 'workers: 1 -> 2, load on the same cores', GET, {
    before: { concurrency: 1, allCores: true },
    after: TWO_WORKERS,
  }),
  pair(
    'reuse_port',
    'listening sockets of 2 workers: shared -> reuse_port, a connection for each request',
    { ...GET, request: { headers: { connection: 'close' } } },
    {
      before: { ...TWO_WORKERS, listener: { enable_reuse_port: false } },
      after: { ...TWO_WORKERS, listener: { enable_reuse_port: true } },
    },
  ),
  pair(
    'balance',
    '4 connections over 2 workers: reuse_port -> exact balance',
    { ...GET, connections: 4 },
    {
      before: TWO_WORKERS,
      after: { ...TWO_WORKERS, listener: { connection_balance_config: { exact_balance: {} } } },
    },
  ),
  pair(
    'buffers',
    'buffer of a connection: 16 KiB -> 1 MiB, downloads of 1 MiB',
    { path: '/1m', connections: 16 },
    {
      before: {
        listener: { per_connection_buffer_limit_bytes: 16 * KIB },
        cluster: { per_connection_buffer_limit_bytes: 16 * KIB },
      },
      after: {
        listener: { per_connection_buffer_limit_bytes: KIB * KIB },
        cluster: { per_connection_buffer_limit_bytes: KIB * KIB },
      },
    },
  ),
];

function pair(
  id: string,
  title: string,
  work: Omit<Work, 'name'>,
  { before, after }: { readonly before: Side; readonly after: Side },
): Pair {
  const side = (name: string, options: Side): Contender =>
    nodeproxy({ name: `${id}, ${name}`, file: `${id}-${name}`, log: 'default', ...options });
  return { id, title, work, before: side('before', before), after: side('after', after) };
}
