/**
 * The blocks of a pcapng file: sections, interfaces with their link type and unit of time, packets. One section's byte order and
 * interfaces hold until the next one begins (files may be appended to each other).
 */
import type { OnPacket } from './capture-parser.ts';

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const OLD_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
const LITTLE_MAGIC = 0x4d3c2b1a;
const OPTION_RESOLUTION = 9;
const OPTION_OFFSET = 14;
/** A capture of more interfaces than that is no file of tcpdump's. */
const MAX_INTERFACES = 4096;
const WORD = 2 ** 32;

interface CapturedInterface {
  readonly linkType: number;
  /** Units of its clock in a millisecond. */
  readonly perMs: number;
  /** ms to be added. */
  readonly offset: number;
}

export class PcapngBlocks {
  untimed = 0;
  readonly #onPacket: OnPacket;
  #little = true;
  #interfaces: CapturedInterface[] = [];

  constructor(onPacket: OnPacket) {
    this.#onPacket = onPacket;
  }

  /** `data`: at least 12 bytes. */
  head(data: Buffer): { readonly type: number; readonly length: number } {
    // The type of a section reads the same both ways; the order of all that follows stands behind its length.
    if (data.readUInt32BE(0) === SECTION) this.#little = data.readUInt32BE(8) === LITTLE_MAGIC;
    return { type: this.#u32(data, 0), length: this.#u32(data, 4) };
  }

  isPacket(type: number): boolean {
    return type === ENHANCED_PACKET || type === OLD_PACKET || type === SIMPLE_PACKET;
  }

  /** A whole block. False: it is shorter than what it must hold. */
  take(type: number, block: Buffer): boolean {
    switch (type) {
      case SECTION:
        this.#interfaces = [];
        return true;
      case INTERFACE:
        return this.#addInterface(block);
      case ENHANCED_PACKET:
        return this.#packet(block, this.#words(block, 8));
      case OLD_PACKET:
        return this.#packet(block, block.length < 12 ? -1 : this.#u16(block, 8));
      case SIMPLE_PACKET:
        this.untimed += 1;
        return true;
      default:
        return true;
    }
  }

  #words(block: Buffer, at: number): number {
    return block.length < at + 4 ? -1 : this.#u32(block, at);
  }

  #addInterface(block: Buffer): boolean {
    if (block.length < 20 || this.#interfaces.length >= MAX_INTERFACES) return false;
    let [perMs, offset] = [1000, 0];
    for (let at = 16; at + 4 <= block.length - 4;) {
      const [code, length] = [this.#u16(block, at), this.#u16(block, at + 2)];
      const value = at + 4;
      if (code === 0 || value + length > block.length - 4) break;
      if (code === OPTION_RESOLUTION && length >= 1) perMs = unitsPerMs(block[value] ?? 6);
      if (code === OPTION_OFFSET && length >= 8) offset = this.#seconds(block, value) * 1000;
      at = value + Math.ceil(length / 4) * 4;
    }
    this.#interfaces.push({ linkType: this.#u16(block, 8), perMs, offset });
    return true;
  }

  /** Both kinds agree from the time on. */
  #packet(block: Buffer, place: number): boolean {
    if (block.length < 32) return false;
    const source = this.#interfaces[place];
    const captured = this.#u32(block, 20);
    if (source === undefined || captured > block.length - 32) return false;
    const units = this.#u32(block, 12) * WORD + this.#u32(block, 16);
    const at = units / source.perMs + source.offset;
    this.#onPacket(source.linkType, at, block.subarray(28, 28 + captured), this.#u32(block, 24));
    return true;
  }

  #seconds(block: Buffer, at: number): number {
    return Number(this.#little ? block.readBigInt64LE(at) : block.readBigInt64BE(at));
  }

  #u32(data: Buffer, at: number): number {
    return this.#little ? data.readUInt32LE(at) : data.readUInt32BE(at);
  }

  #u16(data: Buffer, at: number): number {
    return this.#little ? data.readUInt16LE(at) : data.readUInt16BE(at);
  }
}

/** `if_tsresol`: negative power of ten, or with the highest bit set of two, in seconds. */
function unitsPerMs(resolution: number): number {
  const power = resolution & 0x7f;
  return (resolution & 0x80 ? 2 ** power : 10 ** power) / 1000;
}
