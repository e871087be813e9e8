/** Names that a line only abbreviates, in words: response flags (`envoy-reference.md`, section 1) and segments of the ledger. */

const FLAGS: Readonly<Record<string, string>> = {
  UH: 'no healthy host in the upstream cluster',
  UF: 'the connection to the upstream failed',
  UO: 'a circuit breaker of the cluster was full',
  NR: 'no route matched',
  URX: 'retries used up, or too many connect attempts',
  NC: 'the cluster of the route does not exist',
  DT: 'the request or connection took longer than its longest allowed duration',
  DC: 'the client closed the connection first',
  LH: 'the local service failed its health check',
  UT: 'the upstream did not answer within the route’s timeout',
  LR: 'reset by the proxy itself',
  UR: 'the upstream reset the stream',
  UC: 'the upstream closed the connection before it had answered',
  DI: 'delayed by a fault filter',
  FI: 'answered by a fault filter',
  RL: 'refused by a rate limit',
  UAEX: 'refused by external authorization',
  RLSE: 'the rate limit service failed',
  IH: 'an invalid header was refused',
  SI: 'nothing moved for as long as the stream idle timeout',
  DPE: 'the client broke the protocol',
  UPE: 'the upstream broke the protocol',
  UMSDR: 'the upstream request took longer than its longest allowed duration',
  RFCF: 'answered from a cache',
  NFCF: 'a filter’s configuration is missing',
  OM: 'ended by the overload manager',
  DF: 'the name of the upstream was not resolved',
  DO: 'dropped by the overload drop of the cluster',
  UDO: 'dropped by the overload drop of the cluster, without condition',
  DR: 'the client reset the stream',
};

export function flagWords(flag: string): string {
  return Object.hasOwn(FLAGS, flag) ? (FLAGS[flag] ?? flag) : 'a flag that is not known here';
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
