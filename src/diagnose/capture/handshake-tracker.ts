/**
 * The connections of a capture whose handshake it contains, from SYN to verdict.
 *
 * Owns a table of the connections under way, at most `MAX_OPEN`; the oldest is judged by what is known of it when a further one comes
 * in. A packet that the capture holds twice (`-i any` sees it on each interface) changes nothing: only firsts count.
 */
import { firstBytesOf, OpenHandshake } from './handshake.ts';
import type { Handshake } from './handshake.ts';
import type { TcpSegment } from './tcp-segment.ts';

/** Some 30 MiB. */
export const MAX_OPEN = 65_536;

export class HandshakeTracker {
  /** Segments of connections that were open before the capture began, or were judged already. */
  others = 0;
  readonly #timeoutMs: number;
  readonly #onJudged: (handshake: Handshake) => void;
  readonly #maxOpen: number;
  readonly #open = new Map<string, OpenHandshake>();

  constructor(timeoutMs: number, onJudged: (handshake: Handshake) => void, maxOpen = MAX_OPEN) {
    this.#timeoutMs = timeoutMs;
    this.#onJudged = onJudged;
    this.#maxOpen = maxOpen;
  }

  take(segment: TcpSegment, at: number): void {
    if (segment.syn && !segment.ack) {
      this.#begin(segment, at);
      return;
    }
    const forward = `${segment.from}>${segment.to}`;
    const fromClient = this.#open.get(forward);
    const key = fromClient === undefined ? `${segment.to}>${segment.from}` : forward;
    const handshake = fromClient ?? this.#open.get(key);
    if (handshake === undefined) {
      this.others += 1;
      return;
    }
    if (fromClient === undefined) fromServer(handshake, segment, at);
    else fromTheClient(handshake, segment, at);
    if (segment.fin || segment.rst) end(handshake, segment, at, fromClient !== undefined);
    if (handshake.settled) this.#judge(key, handshake);
  }

  /** The capture is over. */
  end(): void {
    for (const [key, handshake] of this.#open) this.#judge(key, handshake);
  }

  #begin(segment: TcpSegment, at: number): void {
    const key = `${segment.from}>${segment.to}`;
    const before = this.#open.get(key);
    // Sent again, or seen twice: the first one counts until somebody has answered it.
    if (before !== undefined && before.ackAt < 0 && before.endAt < 0) return;
    if (before !== undefined) this.#judge(key, before);
    if (this.#open.size >= this.#maxOpen) this.#judgeOldest();
    this.#open.set(key, new OpenHandshake(segment.from, segment.to, at));
  }

  #judgeOldest(): void {
    for (const [key, handshake] of this.#open) {
      this.#judge(key, handshake);
      return;
    }
  }

  #judge(key: string, handshake: OpenHandshake): void {
    this.#open.delete(key);
    this.#onJudged(handshake.judge(this.#timeoutMs));
  }
}

function fromServer(handshake: OpenHandshake, { syn, payloadLength }: TcpSegment, at: number): void {
  if (syn && handshake.synAckAt < 0) handshake.synAckAt = at;
  if (payloadLength > 0 && handshake.serverDataAt < 0) handshake.serverDataAt = at;
}

function fromTheClient(handshake: OpenHandshake, segment: TcpSegment, at: number): void {
  if (segment.ack && !segment.rst && handshake.synAckAt >= 0 && handshake.ackAt < 0) handshake.ackAt = at;
  if (segment.payloadLength === 0 || handshake.clientDataAt >= 0) return;
  handshake.clientDataAt = at;
  handshake.firstBytes = firstBytesOf(segment.payload);
}

function end(handshake: OpenHandshake, { rst }: TcpSegment, at: number, byClient: boolean): void {
  if (handshake.endAt >= 0) return;
  handshake.endAt = at;
  handshake.endBy = byClient ? 'client' : 'server';
  handshake.endKind = rst ? 'RST' : 'FIN';
}
