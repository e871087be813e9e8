/** The cases of the scenario `peers`: what is asked for, over how many connections, and what its cost is of. */
import type { LoadRequest } from '../harness/load.ts';

export interface PeerCase {
  /** As `--cases` names it. */
  readonly id: string;
  readonly title: string;
  readonly layer: 'http' | 'tcp';
  readonly path: string;
  readonly connections: number;
  readonly request?: LoadRequest;
  readonly unit: 'request' | 'MiB';
  /** A shorter round would be one of opening connections. */
  readonly leastSeconds?: number;
  readonly notes?: readonly string[];
}

const POST_BYTES = 10 * 1024;
/** Of the cases that are not about the number of connections. */
const CONNECTIONS = 64;
export const CONNECTION_COUNTS = [1, 64, 512, 1000, 5000] as const;
const MANY = 1000;
const CLOSING = { headers: { connection: 'close' } } as const;

export const CASES: readonly PeerCase[] = [
  ...CONNECTION_COUNTS.map((connections): PeerCase => ({
    id: `get-${connections}`,
    title: `Small GET, ${counted(connections)}`,
    layer: 'http',
    path: '/',
    connections,
    unit: 'request',
    ...(connections < MANY
      ? {}
      : {
          leastSeconds: 3,
          notes: ['All connections are opened anew in each round, and their accepting is part of its cost.'],
        }),
  })),
  {
    id: 'post-10k',
    title: `POST of 10 KiB, ${counted(CONNECTIONS)}`,
    layer: 'http',
    path: '/',
    connections: CONNECTIONS,
    request: { method: 'POST', bodyBytes: POST_BYTES },
    unit: 'request',
  },
  {
    id: 'download-1m',
    title: `Download of 1 MiB, ${counted(CONNECTIONS)}`,
    layer: 'http',
    path: '/1m',
    connections: CONNECTIONS,
    unit: 'MiB',
  },
  {
    id: 'close',
    title: `A connection for each request, ${CONNECTIONS} at once`,
    layer: 'http',
    path: '/',
    connections: CONNECTIONS,
    request: CLOSING,
    unit: 'request',
    notes: [
      'The request says connection: close. Upstream connections may stay open, where a proxy keeps them.',
    ],
  },
  {
    id: 'tcp-1m',
    title: `Download of 1 MiB through TCP proxies, ${counted(CONNECTIONS)}`,
    layer: 'tcp',
    path: '/1m',
    connections: CONNECTIONS,
    unit: 'MiB',
  },
  {
    id: 'tcp-close',
    title: `A connection for each request through TCP proxies, ${CONNECTIONS} at once`,
    layer: 'tcp',
    path: '/',
    connections: CONNECTIONS,
    request: CLOSING,
    unit: 'request',
  },
];

function counted(connections: number): string {
  return `${connections} ${connections === 1 ? 'connection' : 'connections'}`;
}
