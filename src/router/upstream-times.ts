/**
 * Notes in the stream's info how an attempt came to its connection, for the log.
 *
 * Also splits the wait in the ledger: while a request waits, nobody knows whether for another's connection to come free
 * (`pool`) or for a new one to come up. When it gets one that carried nothing before, the times are known, and what stood as
 * `pool` becomes `connect` and `handshake` from those moments on. It need not be the one that was opened for it: of several that
 * come up together each serves whoever has waited longest.
 */
import type { StreamInfo } from '../api/observe.ts';
import type { Host, PoolAttachment } from '../api/upstream.ts';

export function noteAttached(
  info: StreamInfo,
  attachment: PoolAttachment,
  host: Host,
  now: number,
  waited: boolean,
): void {
  const { upstream } = info;
  const { connection } = attachment;
  upstream.host = host.address;
  upstream.hostname = host.hostname;
  upstream.localAddress = connection.localAddress;
  upstream.createdConnectionId = attachment.createdConnectionId;
  upstream.connectionId = connection.id;
  upstream.secure = connection.secure;
  upstream.protocol = attachment.protocol;
  upstream.poolReadyAt = now;
  upstream.connectStartAt = connection.createdAt;
  upstream.connectedAt = connection.connectedAt;
  upstream.handshakeAt = connection.handshakeAt;
  upstream.noteAttempt(host.address, connection.id);
  if (!waited || !info.ledger.enabled || attachment.reused) return;
  info.ledger.enter('connect', connection.createdAt);
  if (connection.secure && connection.connectedAt !== -1)
    info.ledger.enter('handshake', connection.connectedAt);
}

/** The pool gave no connection. */
export function noteFailed(info: StreamInfo, host: Host, now: number, transportReason: string): void {
  const { upstream } = info;
  upstream.poolReadyAt = now;
  upstream.host = host.address;
  upstream.hostname = host.hostname;
  upstream.transportFailureReason = transportReason;
  upstream.noteAttempt(host.address, 0);
}
