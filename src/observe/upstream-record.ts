/**
 * One attempt at the upstream: which connection carried it and when what happened. A retry makes a new one, which inherits
 * only the lists of what was tried; the writes that an abandoned attempt still has in flight go to the old record.
 */
import type { UpstreamInfo } from '../api/observe.ts';
import type { Address } from '../api/socket.ts';
import { UNKNOWN } from './instant.ts';

const NO_HOSTS: readonly Address[] = [];
const NO_IDS: readonly number[] = [];

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
  headerBytesSent = 0;
  headerBytesReceived = 0;
  wireBytesSent = 0;
  wireBytesReceived = 0;
  /** When the attempt began, ms monotonic: the first one with the stream. */
  readonly startAt: number;
  /** What was tried last, and before: most requests have one attempt, and need no list. */
  #lastHost: Address | null = null;
  #hostsBefore = NO_HOSTS;
  #lastId = 0;
  #idsBefore = NO_IDS;

  constructor(startAt: number, before: UpstreamInfo | null) {
    this.startAt = startAt;
    if (before === null) return;
    this.#hostsBefore = before.hostsAttempted;
    this.#idsBefore = before.connectionIdsAttempted;
  }

  get hostsAttempted(): readonly Address[] {
    return this.#lastHost === null ? this.#hostsBefore : [...this.#hostsBefore, this.#lastHost];
  }

  get connectionIdsAttempted(): readonly number[] {
    return this.#lastId === 0 ? this.#idsBefore : [...this.#idsBefore, this.#lastId];
  }

  noteAttempt(host: Address, connectionId: number): void {
    if (this.#lastHost !== null) this.#hostsBefore = this.hostsAttempted;
    this.#lastHost = host;
    if (connectionId === 0) return;
    if (this.#lastId !== 0) this.#idsBefore = this.connectionIdsAttempted;
    this.#lastId = connectionId;
  }

  /** The connection had been there before this request asked for one. */
  get reused(): boolean {
    return this.connectionId !== 0 && this.createdConnectionId !== this.connectionId;
  }
}
