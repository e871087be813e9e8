/**
 * What a capture tells of the first moments of one TCP connection, and what that means.
 *
 *   SYN -> SYN,ACK -> ACK (the last of the handshake) --gap--> the client's first bytes      who sends the first FIN or RST, and when
 *
 * A proxy that looks at the first bytes to tell the protocol waits for them only so long. A client that sends them later finds the
 * connection closed: the server's FIN comes before the client's first bytes.
 */
export type Who = 'client' | 'server';

export interface FirstEnd {
  readonly by: Who;
  readonly kind: 'FIN' | 'RST';
  /** ms since the handshake's last ACK; before it, since the SYN. */
  readonly after: number;
}

export type FirstBytes = 'ClientHello' | 'HTTP' | 'other' | 'unknown';

export type Verdict =
  /** The server closed before the client's first bytes, when the sniff timeout was over. */
  | 'sniff-timeout'
  /** The server closed before the client's first bytes, at another time. */
  | 'closed-early'
  /** The server closed, and the client never sent a byte. */
  | 'silent-client'
  /** First bytes later than the timeout, and served all the same. */
  | 'late-but-served'
  | 'good'
  /** The server answered the SYN with a reset. */
  | 'refused'
  /** No SYN,ACK, or no ACK behind it. */
  | 'incomplete'
  /** Nothing more than the handshake is in the capture. */
  | 'open';

export interface Handshake {
  readonly client: string;
  readonly server: string;
  /** Epoch ms of the SYN. */
  readonly at: number;
  /** ms from the handshake's last ACK to the client's first bytes; -1: not seen. */
  readonly gap: number;
  readonly firstBytes: FirstBytes;
  readonly firstEnd: FirstEnd | null;
  readonly verdict: Verdict;
}

/** The close is late by the timer and by the way of the packet; ms. */
const CLOSE_SLACK_MS = 10;
/** A capture at the client's side sees ACK and FIN closer together than they were at the proxy. */
const EARLY_SHARE = 0.8;

/** Filled in by `HandshakeTracker`; -1: not seen. */
export class OpenHandshake {
  readonly client: string;
  readonly server: string;
  readonly synAt: number;
  synAckAt = -1;
  ackAt = -1;
  clientDataAt = -1;
  serverDataAt = -1;
  firstBytes: FirstBytes = 'unknown';
  endAt = -1;
  endBy: Who = 'client';
  endKind: 'FIN' | 'RST' = 'FIN';

  constructor(client: string, server: string, synAt: number) {
    this.client = client;
    this.server = server;
    this.synAt = synAt;
  }

  /** Nothing that comes later changes the verdict. */
  get settled(): boolean {
    return this.endAt >= 0 && (this.clientDataAt >= 0 || this.endBy === 'client' || this.ackAt < 0);
  }

  judge(timeoutMs: number): Handshake {
    const { client, server, synAt: at, ackAt, clientDataAt, firstBytes, endAt, endBy, endKind } = this;
    const gap = ackAt >= 0 && clientDataAt >= 0 ? clientDataAt - ackAt : -1;
    const after = endAt - (ackAt >= 0 ? ackAt : at);
    const firstEnd = endAt < 0 ? null : { by: endBy, kind: endKind, after };
    return { client, server, at, gap, firstBytes, firstEnd, verdict: this.#verdict(gap, after, timeoutMs) };
  }

  #verdict(gap: number, closedAfter: number, timeoutMs: number): Verdict {
    const { synAckAt, ackAt, clientDataAt, serverDataAt, endAt, endBy, endKind } = this;
    const serverEnded = endAt >= 0 && endBy === 'server';
    if (synAckAt < 0) return serverEnded && endKind === 'RST' ? 'refused' : 'incomplete';
    if (ackAt < 0) return 'incomplete';
    const before = (at: number): boolean => at >= 0 && at <= endAt;
    if (serverEnded && !before(clientDataAt) && !before(serverDataAt)) {
      if (clientDataAt < 0) return 'silent-client';
      const fits = closedAfter >= timeoutMs * EARLY_SHARE && closedAfter <= timeoutMs * 2 + CLOSE_SLACK_MS;
      return fits ? 'sniff-timeout' : 'closed-early';
    }
    if (gap < 0) return 'open';
    return gap > timeoutMs ? 'late-but-served' : 'good';
  }
}

/** By the first bytes of the payload. */
export function firstBytesOf(payload: Buffer): FirstBytes {
  if (payload.length < 6) return payload.length === 0 ? 'unknown' : 'other';
  // A TLS record of a handshake (22), version 3.x, its first message a ClientHello (1).
  if (payload[0] === 22 && payload[1] === 3 && payload[5] === 1) return 'ClientHello';
  return /^(?:[A-Z]{3,10} [/*h]|PRI \*)/.test(payload.toString('latin1', 0, 16)) ? 'HTTP' : 'other';
}
