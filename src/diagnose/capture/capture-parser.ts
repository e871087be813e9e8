/**
 * Packets out of a capture file, classic pcap or pcapng, in chunks as they are read.
 *
 *   chunk -> [rest of the last one + chunk] -> whole records only -> onPacket(link type, time, bytes); what is left waits for the next
 *
 * Owns at most one incomplete record. Invariant: a record longer than `MAX_RECORD_BYTES` is never gathered; one of no interest is
 * passed over as it comes in, one that claims to be a packet means that the file is damaged.
 */
import { PcapngBlocks } from './pcapng-blocks.ts';

/** Views into the parser's buffer: good until the call returns. */
export type OnPacket = (linkType: number, at: number, bytes: Buffer, wireLength: number) => void;

/** The file is no capture, or damaged beyond reading on. The message is for the user. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
}

/** What tcpdump and Wireshark take at most for a packet. */
export const MAX_RECORD_BYTES = 256 * 1024;
const MAGIC_MICROS = 0xa1b2c3d4;
const MAGIC_NANOS = 0xa1b23c4d;
const SECTION_HEADER = 0x0a0d0d0a;
const PCAP_HEADER_BYTES = 24;
const PCAP_RECORD_BYTES = 16;
const BLOCK_HEAD_BYTES = 12;

type Format =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'pcap'; readonly little: boolean; readonly perMs: number; readonly linkType: number }
  | { readonly kind: 'pcapng'; readonly blocks: PcapngBlocks };

export class CaptureParser {
  readonly #onPacket: OnPacket;
  #format: Format = { kind: 'unknown' };
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of a record of no interest that are still to come. */
  #skip = 0;

  constructor(onPacket: OnPacket) {
    this.#onPacket = onPacket;
  }

  /** Packets of a pcapng file that carry no time. */
  get untimed(): number {
    return this.#format.kind === 'pcapng' ? this.#format.blocks.untimed : 0;
  }

  push(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      data = data.subarray(this.#passOver(data.length));
      const used = this.#skip > 0 ? 0 : this.#next(data);
      if (used === 0) break;
      data = data.subarray(used);
    }
    // A copy: the reader's chunk is larger than what is left of it.
    this.#rest = Buffer.from(data);
  }

  /** True: the file ends within a record. Throws if not even its head was there. */
  end(): boolean {
    if (this.#format.kind === 'unknown')
      throw new CaptureError(this.#rest.length === 0 ? 'it is empty' : 'it is too short for a capture');
    return this.#rest.length > 0 || this.#skip > 0;
  }

  /** Bytes used; 0 = more are needed. */
  #next(data: Buffer): number {
    const format = this.#format;
    switch (format.kind) {
      case 'unknown':
        return this.#open(data);
      case 'pcap':
        return this.#record(data, format);
      case 'pcapng':
        return this.#block(data, format.blocks);
      default:
        return format satisfies never;
    }
  }

  #open(data: Buffer): number {
    if (data.length < 4) return 0;
    const magic = data.readUInt32BE(0);
    if (magic === SECTION_HEADER) {
      this.#format = { kind: 'pcapng', blocks: new PcapngBlocks(this.#onPacket) };
      return this.#next(data);
    }
    const little = magic !== MAGIC_MICROS && magic !== MAGIC_NANOS;
    const value = little ? data.readUInt32LE(0) : magic;
    if (value !== MAGIC_MICROS && value !== MAGIC_NANOS)
      throw new CaptureError('it is neither a pcap nor a pcapng file (write one with `tcpdump -w`)');
    if (data.length < PCAP_HEADER_BYTES) return 0;
    // The upper bits tell of a frame check sequence.
    const linkType = (little ? data.readUInt32LE(20) : data.readUInt32BE(20)) & 0x0fffffff;
    this.#format = { kind: 'pcap', little, perMs: value === MAGIC_NANOS ? 1_000_000 : 1000, linkType };
    return PCAP_HEADER_BYTES;
  }

  #record(data: Buffer, { little, perMs, linkType }: Extract<Format, { kind: 'pcap' }>): number {
    if (data.length < PCAP_RECORD_BYTES) return 0;
    const word = (at: number): number => (little ? data.readUInt32LE(at) : data.readUInt32BE(at));
    const captured = word(8);
    if (captured > MAX_RECORD_BYTES) throw new CaptureError(`it is damaged: a packet of ${captured} bytes`);
    const end = PCAP_RECORD_BYTES + captured;
    if (data.length < end) return 0;
    this.#onPacket(
      linkType,
      word(0) * 1000 + word(4) / perMs,
      data.subarray(PCAP_RECORD_BYTES, end),
      word(12),
    );
    return end;
  }

  #block(data: Buffer, blocks: PcapngBlocks): number {
    if (data.length < BLOCK_HEAD_BYTES) return 0;
    const { type, length } = blocks.head(data);
    if (length < BLOCK_HEAD_BYTES || length % 4 !== 0)
      throw new CaptureError(`it is damaged: a block of ${length} bytes`);
    if (length > MAX_RECORD_BYTES) {
      if (blocks.isPacket(type)) throw new CaptureError(`it is damaged: a packet's block of ${length} bytes`);
      this.#skip = length;
      return this.#passOver(data.length);
    }
    if (data.length < length) return 0;
    if (!blocks.take(type, data.subarray(0, length)))
      throw new CaptureError('it is damaged: a block shorter than its fields');
    return length;
  }

  /** Of the bytes at hand, how many belong to what is skipped. */
  #passOver(available: number): number {
    const passed = Math.min(this.#skip, available);
    this.#skip -= passed;
    return passed;
  }
}
