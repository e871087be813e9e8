/** Names that a line only abbreviates, in words: response flags and segments of the ledger. */
import { FLAG_TABLE } from '../causes/flag-table.ts';

export function flagWords(flag: string): string {
  const meaning = Object.hasOwn(FLAG_TABLE, flag) ? FLAG_TABLE[flag] : undefined;
  return meaning?.what ?? 'a flag that is not known here';
}

const SEGMENTS: Readonly<Record<string, string>> = {
  client: 'waiting for bytes of the client',
  loop: 'bytes lay in the kernel while the worker was busy with something else',
  pool: 'queued for a connection of the upstream pool',
  connect: 'opening a new upstream connection',
  handshake: 'the TLS handshake of a new upstream connection',
  upstream: 'waiting for the first byte of the response',
  body: 'waiting for more of the response',
  'flow.downstream': 'flow control: the client took the response slowly',
  'flow.upstream': 'flow control: the upstream took the request slowly',
  deliver: 'the last bytes on their way out to the client',
  retry: 'backing off between two attempts',
  proxy: 'everything else that the proxy did',
};

export function segmentWords(segment: string): string {
  if (segment.startsWith('filter.')) return `the HTTP filter ${segment.slice(7)}, on the processor`;
  if (segment.startsWith('paused.')) return `the HTTP filter ${segment.slice(7)}, waiting for something`;
  return Object.hasOwn(SEGMENTS, segment) ? (SEGMENTS[segment] ?? '') : 'a segment that is not known here';
}
