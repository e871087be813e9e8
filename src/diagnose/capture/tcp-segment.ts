/**
 * From a captured frame to its TCP segment: link header, VLAN tags, IPv4 or IPv6 with its extension headers, TCP.
 *
 * Lengths come from the headers, not from how much was captured: with a small snap length the bytes are missing, the gap is not.
 */
export interface TcpSegment {
  /** `172.16.0.177:16701`, `[fd00::1]:443`. */
  readonly from: string;
  readonly to: string;
  readonly toPort: number;
  readonly fromPort: number;
  readonly syn: boolean;
  readonly ack: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly payloadLength: number;
  /** As much of it as was captured. */
  readonly payload: Buffer;
}

/** `other`: whole, but no TCP segment's beginning. `unreadable`: cut short or contradictory. `link`: its link type is not known here. */
export type Dissected = TcpSegment | 'other' | 'unreadable' | 'link';

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const VLAN_TAGS = [0x8100, 0x88a8, 0x9100];
const MAX_VLAN_TAGS = 4;
const TCP = 6;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
/** Hop-by-hop, routing, destination options, mobility, host identity, shim. */
const EXTENSIONS = [0, 43, 60, 135, 139, 140];
const MAX_EXTENSIONS = 8;
const TCP_BYTES = 20;

export function tcpSegmentOf(linkType: number, frame: Buffer, wireLength: number): Dissected {
  const start = networkStart(linkType, frame);
  if (typeof start === 'string') return start;
  const first = frame[start];
  if (first === undefined) return 'unreadable';
  if (first >> 4 === 4) return ofIpv4(frame, start, wireLength);
  return first >> 4 === 6 ? ofIpv6(frame, start) : 'other';
}

/** Where the IP header begins. */
function networkStart(linkType: number, frame: Buffer): number | 'other' | 'unreadable' | 'link' {
  switch (linkType) {
    case 1:
      return behindType(frame, 12);
    // Linux cooked, `tcpdump -i any`: version 1 has the protocol at its end, version 2 at its beginning.
    case 113:
      return behindType(frame, 14);
    case 276:
      return isIp(frame, 0) ? 20 : frame.length < 2 ? 'unreadable' : 'other';
    // BSD loopback: four bytes of family.
    case 0:
    case 108:
      return 4;
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return 0;
    default:
      return 'link';
  }
}

function behindType(frame: Buffer, typeAt: number): number | 'other' | 'unreadable' {
  let at = typeAt;
  for (let tags = 0; tags <= MAX_VLAN_TAGS; tags += 1) {
    if (frame.length < at + 2) return 'unreadable';
    if (isIp(frame, at)) return at + 2;
    if (!VLAN_TAGS.includes(frame.readUInt16BE(at))) return 'other';
    at += 4;
  }
  return 'other';
}

function isIp(frame: Buffer, at: number): boolean {
  if (frame.length < at + 2) return false;
  const type = frame.readUInt16BE(at);
  return type === IPV4 || type === IPV6;
}

function ofIpv4(frame: Buffer, start: number, wireLength: number): Dissected {
  if (frame.length < start + 20) return 'unreadable';
  const headerLength = ((frame[start] ?? 0) & 0x0f) * 4;
  if (headerLength < 20) return 'unreadable';
  // Only a packet's first fragment has the ports.
  if (frame[start + 9] !== TCP || (frame.readUInt16BE(start + 6) & 0x1fff) !== 0) return 'other';
  // 0: the network card splits it later (segmentation offload); then the frame itself is the measure.
  const total = frame.readUInt16BE(start + 2) || wireLength - start;
  const addresses = { from: ipv4(frame, start + 12), to: ipv4(frame, start + 16) };
  return segment(frame, start + headerLength, total - headerLength, addresses);
}

function ofIpv6(frame: Buffer, start: number): Dissected {
  if (frame.length < start + 40) return 'unreadable';
  const end = start + 40 + frame.readUInt16BE(start + 4);
  let next = frame[start + 6] ?? 0;
  let at = start + 40;
  for (let count = 0; next !== TCP; count += 1) {
    if (count === MAX_EXTENSIONS) return 'other';
    if (frame.length < at + 8) return EXTENSIONS.includes(next) || next === FRAGMENT ? 'unreadable' : 'other';
    const units = frame[at + 1] ?? 0;
    if (next === FRAGMENT) {
      if ((frame.readUInt16BE(at + 2) & 0xfff8) !== 0) return 'other';
      next = frame[at] ?? 0;
      at += 8;
    } else if (EXTENSIONS.includes(next)) {
      next = frame[at] ?? 0;
      at += (units + 1) * 8;
    } else if (next === AUTHENTICATION) {
      next = frame[at] ?? 0;
      at += (units + 2) * 4;
    } else return 'other';
  }
  const addresses = { from: `[${ipv6(frame, start + 8)}]`, to: `[${ipv6(frame, start + 24)}]` };
  return segment(frame, at, end - at, addresses);
}

/** `length`: of the segment with its header. */
function segment(frame: Buffer, at: number, length: number, ends: { from: string; to: string }): Dissected {
  // The flags are the last that is needed.
  if (frame.length < at + 14) return 'unreadable';
  const headerLength = (frame.readUInt8(at + 12) >> 4) * 4;
  if (headerLength < TCP_BYTES || length < headerLength) return 'unreadable';
  const flags = frame.readUInt8(at + 13);
  const [fromPort, toPort] = [frame.readUInt16BE(at), frame.readUInt16BE(at + 2)];
  const payloadLength = length - headerLength;
  return {
    from: `${ends.from}:${fromPort}`,
    to: `${ends.to}:${toPort}`,
    fromPort,
    toPort,
    fin: (flags & 0x01) !== 0,
    syn: (flags & 0x02) !== 0,
    rst: (flags & 0x04) !== 0,
    ack: (flags & 0x10) !== 0,
    payloadLength,
    payload: frame.subarray(at + headerLength, at + headerLength + payloadLength),
  };
}

function ipv4(frame: Buffer, at: number): string {
  return `${frame[at]}.${frame[at + 1]}.${frame[at + 2]}.${frame[at + 3]}`;
}

/** In the short form of RFC 5952: the longest run of zeros left out. */
function ipv6(frame: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => frame.readUInt16BE(at + index * 2).toString(16));
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start += 1) {
    let length = 0;
    while (groups[start + length] === '0') length += 1;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}
