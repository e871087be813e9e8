/**
 * One attempt at the upstream: which connection carried it and when what happened. A retry makes a new one, which inherits
 * only the lists of what was tried; the writes that an abandoned attempt still has in flight go to the old record.
 */
import type { UpstreamInfo } from '../api/observe.ts';
import type { Address } from '../api/socket.ts';
import { UNKNOWN } from './instant.ts';

export class UpstreamRecord implements UpstreamInfo {
  host: Address | null = null;
  hostname = '';
  localAddress: Address | null = null;
  createdConnectionId = 0;
  connectionId = 0;
  secure = false;
  protocol = '';
  transportFailureReason = '';
  poolReadyAt = UNKNOWN;
  connectStartAt = UNKNOWN;
  connectedAt = UNKNOWN;
  handshakeAt = UNKNOWN;
  requestFirstByteAt = UNKNOWN;
  requestLastByteAt = UNKNOWN;
  responseFirstByteAt = UNKNOWN;
  responseBodyFirstByteAt = UNKNOWN;
  responseLastByteAt = UNKNOWN;
  hostsAttempted: Address[];
  connectionIdsAttempted: number[];
  headerBytesSent = 0;
  headerBytesReceived = 0;
  wireBytesSent = 0;
  wireBytesReceived = 0;
  /** When the attempt began, ms monotonic: the first one with the stream. */
  readonly startAt: number;

  constructor(startAt: number, before: UpstreamInfo | null) {
    this.startAt = startAt;
    this.hostsAttempted = before === null ? [] : before.hostsAttempted;
    this.connectionIdsAttempted = before === null ? [] : before.connectionIdsAttempted;
  }

  /** The connection had been there before this request asked for one. */
  get reused(): boolean {
    return this.connectionId !== 0 && this.createdConnectionId !== this.connectionId;
  }
}
