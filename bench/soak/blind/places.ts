/**
 * Where a slow request's time can have been: stage and component. Both judges answer in these terms, so that their answers can be
 * counted against each other: what a plain line leaves open (`candidates`), and what the diagnosis names (`placesOf`).
 */
import type { Finding } from '../../../src/diagnose/report.ts';
import type { LogRecord } from '../../../src/diagnose/record.ts';

/** The HTTP filters of the chain, in order; what does nothing is as suspect as what does. */
export const FILTERS = ['session', 'audit', 'quota'] as const;
export const CLUSTERS = ['orders', 'stock'] as const;
/** From this size on an answer or a request does not fit into the kernel's buffers at once, so that its peer can hold it up. */
const LARGE_BYTES = 64 * 1024;
/** Of a request's time, to say that it was spent inside of something. */
export const NEARLY_ALL = 0.8;

/** `inside`, `outside`: of the upstream service time, that is, from the whole request to the first byte of the answer. */
interface Place {
  readonly stage: string;
  readonly component: string;
  readonly inside: boolean;
  readonly outside: boolean;
  /** What must have been sent for it to be possible. */
  readonly needs?: 'large request' | 'large answer' | 'answer body';
}

const of = (
  stage: string,
  component: string,
  where: 'inside' | 'outside' | 'either',
  needs?: Place['needs'],
): Place => ({
  stage,
  component,
  inside: where !== 'outside',
  outside: where !== 'inside',
  ...(needs === undefined ? {} : { needs }),
});

/**
 * All that can take time in the configuration of the test. No TLS and no retries are configured, so they are no candidates; the
 * cluster is known from the line. That makes the base log's list as short as an operator who knows the configuration can.
 */
const PLACES: readonly Place[] = [
  of('request arrives', 'client', 'outside'),
  ...FILTERS.map((name) => of('worker is held', `filter ${name}`, 'either')),
  of('worker has no processor', 'node', 'either'),
  ...FILTERS.map((name) => of('filter computes', `filter ${name}`, 'outside')),
  ...FILTERS.map((name) => of('filter waits', `filter ${name}`, 'outside')),
  of('queue of the pool', 'cluster', 'inside'),
  of('connection opens', 'cluster', 'inside'),
  of('first byte', 'cluster', 'inside'),
  of('answer arrives', 'cluster', 'outside', 'answer body'),
  of('request leaves', 'cluster', 'either', 'large request'),
  of('answer leaves', 'client', 'outside', 'large answer'),
  of('kernel reads', 'node', 'either'),
  of('kernel writes', 'node', 'either'),
  of('proxy', 'worker', 'either'),
];

/** Places that the numbers of Istio's line leave open. */
export function candidates(record: LogRecord): number {
  return PLACES.filter((place) => isPossible(place, record)).length;
}

function isPossible(place: Place, { base }: LogRecord): boolean {
  if (base === null) return true;
  if (place.needs === 'large request' && (base.bytesReceived ?? 0) < LARGE_BYTES) return false;
  if (place.needs === 'large answer' && (base.bytesSent ?? 0) < LARGE_BYTES) return false;
  if (place.needs === 'answer body' && (base.bytesSent ?? 0) === 0) return false;
  const [total, service] = [base.duration ?? 0, base.upstreamServiceTime ?? null];
  if (service === null) return true;
  if (service >= NEARLY_ALL * total) return place.inside;
  if (service <= (1 - NEARLY_ALL) * total) return place.outside;
  return true;
}

/** The same language for a finding of the diagnosis. A cause of which the log cannot say who is one place. */
export function placeOf({ cause, subject }: Finding): string {
  switch (cause) {
    case 'fragmented-request':
      return 'request arrives · client';
    case 'read-late':
      return 'worker has no processor · node';
    case 'loop-busy':
      return `worker is held · filter ${subject}`;
    case 'head-body-gap':
      return subject === 'request' ? 'request arrives · client' : `answer arrives · ${subject}`;
    case 'slow-upstream-body':
      return `answer arrives · ${subject}`;
    case 'flow-control':
    case 'blocked-writes':
      return subject === 'downstream' ? 'answer leaves · client' : 'request leaves · cluster';
    case 'slow-filter':
      return `filter · ${subject}`;
    case 'pool-wait':
      return `queue of the pool · ${subject}`;
    case 'new-connections':
      return `connection opens · ${subject}`;
    case 'slow-upstream-first-byte':
      return `first byte · ${subject}`;
    default:
      return `${cause}${subject === '' ? '' : ` · ${subject}`}`;
  }
}
