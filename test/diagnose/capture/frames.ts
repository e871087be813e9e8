/** Packets and capture files, byte by byte. */
export interface TcpPacket {
  readonly from: readonly [string, number];
  readonly to: readonly [string, number];
  /** Any of `SFRA`. */
  readonly flags: string;
  readonly payload?: Buffer;
}

export type Link = 'ethernet' | 'vlan' | 'cooked' | 'cooked2' | 'raw' | 'null';
export const LINK_TYPES: Readonly<Record<Link, number>> = {
  ethernet: 1,
  vlan: 1,
  cooked: 113,
  cooked2: 276,
  raw: 101,
  null: 0,
};
export const CLIENT_HELLO = Buffer.from('160301002f0100002b0303', 'hex');

const BITS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, A: 16 };

export function tcp({ from, to, flags, payload = Buffer.alloc(0) }: TcpPacket): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt16BE(from[1], 0);
  head.writeUInt16BE(to[1], 2);
  head[12] = 5 << 4;
  head[13] = Array.from(flags).reduce((bits, flag) => bits | (BITS[flag] ?? 0), 0);
  return Buffer.concat([head, payload]);
}

export function ip(packet: TcpPacket, protocol = 6): Buffer {
  const body = tcp(packet);
  const [from, to] = [packet.from[0], packet.to[0]];
  if (from.includes(':')) {
    const head = Buffer.alloc(40);
    head[0] = 0x60;
    // A hop-by-hop header in front, as a router's alert has it.
    const options = Buffer.from([protocol, 0, 1, 4, 0, 0, 0, 0]);
    head.writeUInt16BE(options.length + body.length, 4);
    head[6] = 0;
    ipv6(from).copy(head, 8);
    ipv6(to).copy(head, 24);
    return Buffer.concat([head, options, body]);
  }
  const head = Buffer.alloc(20);
  head[0] = 0x45;
  head.writeUInt16BE(20 + body.length, 2);
  head[9] = protocol;
  Buffer.from(from.split('.').map(Number)).copy(head, 12);
  Buffer.from(to.split('.').map(Number)).copy(head, 16);
  return Buffer.concat([head, body]);
}

/** Only `a::b`. */
function ipv6(text: string): Buffer {
  const [first = '0', last = '0'] = text.split('::');
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16BE(Number.parseInt(first, 16), 0);
  bytes.writeUInt16BE(Number.parseInt(last, 16), 14);
  return bytes;
}

export function frame(link: Link, packet: Buffer): Buffer {
  const type = packet.readUInt8(0) >> 4 === 6 ? 0x86dd : 0x0800;
  const typed = (bytes: number, at: number): Buffer => {
    const head = Buffer.alloc(bytes);
    head.writeUInt16BE(type, at);
    return Buffer.concat([head, packet]);
  };
  switch (link) {
    case 'ethernet':
      return typed(14, 12);
    case 'vlan': {
      const tagged = typed(18, 16);
      tagged.writeUInt16BE(0x8100, 12);
      return tagged;
    }
    case 'cooked':
      return typed(16, 14);
    case 'cooked2':
      return typed(20, 0);
    case 'null':
      return Buffer.concat([Buffer.from([2, 0, 0, 0]), packet]);
    case 'raw':
      return packet;
    default:
      return link satisfies never;
  }
}

export interface Captured {
  /** Microseconds since the epoch. */
  readonly at: number;
  readonly bytes: Buffer;
}

export function pcap(link: Link, packets: readonly Captured[], { big = false, nanos = false } = {}): Buffer {
  const u32 = (...values: number[]): Buffer => words(big, values);
  const head = Buffer.concat([
    u32(nanos ? 0xa1b23c4d : 0xa1b2c3d4),
    Buffer.alloc(12),
    u32(65_535, LINK_TYPES[link]),
  ]);
  const records = packets.map(({ at, bytes }) => {
    const fraction = (at % 1_000_000) * (nanos ? 1000 : 1);
    return Buffer.concat([u32(Math.floor(at / 1_000_000), fraction, bytes.length, bytes.length), bytes]);
  });
  return Buffer.concat([head, ...records]);
}

/** Interface 0 in microseconds; `nanos`: its `if_tsresol` says 9. */
export function pcapng(
  link: Link,
  packets: readonly Captured[],
  { big = false, nanos = false } = {},
): Buffer {
  const u32 = (...values: number[]): Buffer => words(big, values);
  const u16 = (value: number): Buffer =>
    big ? Buffer.from([value >> 8, value & 255]) : Buffer.from([value & 255, value >> 8]);
  const block = (type: number, body: Buffer): Buffer => {
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    return Buffer.concat([u32(type, padded.length + 12), padded, u32(padded.length + 12)]);
  };
  const section = block(
    0x0a0d0d0a,
    Buffer.concat([u32(0x1a2b3c4d), u16(1), u16(0), u32(0xffffffff, 0xffffffff)]),
  );
  const resolution = nanos
    ? Buffer.concat([u16(9), u16(1), Buffer.from([9, 0, 0, 0]), u16(0), u16(0)])
    : Buffer.alloc(0);
  const device = block(1, Buffer.concat([u16(LINK_TYPES[link]), u16(0), u32(0), resolution]));
  // Name resolution: to be passed over, whatever its size.
  const names = block(4, Buffer.alloc(400_000));
  const records = packets.map(({ at, bytes }) => {
    const units = BigInt(at) * (nanos ? 1000n : 1n);
    const time = u32(Number(units >> 32n), Number(units & 0xffffffffn));
    return block(6, Buffer.concat([u32(0), time, u32(bytes.length, bytes.length), bytes]));
  });
  return Buffer.concat([section, device, names, ...records]);
}

function words(big: boolean, values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) {
    if (big) bytes.writeUInt32BE(value >>> 0, index * 4);
    else bytes.writeUInt32LE(value >>> 0, index * 4);
  }
  return bytes;
}
