/**
 * What the gateways made of Node packages have in common: `port`, `upstream` (host:port) and `log` as JSON in the first argument,
 * and an end on SIGTERM that waits for nobody.
 */
export const { port, upstream, log } = JSON.parse(process.argv[2] ?? '{}');

/** More than the connections of any case: the kernel's queue is not what is measured. */
export const LISTEN = { host: '127.0.0.1', port, backlog: 16_384 };

/** Idle upstream connections: as many as the largest case has at once. */
export const POOL = 8192;

process.once('SIGTERM', () => process.exit(0));

/** The client's address behind those that stand there already. */
export function forwardedFor(request) {
  const before = request.headers['x-forwarded-for'];
  const address = request.socket.remoteAddress;
  return before === undefined ? address : `${before}, ${address}`;
}
