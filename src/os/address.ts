/**
 * `struct sockaddr` in a scratch region <-> `Address`. Numbers of a sockaddr are in network byte order.
 *
 *   in:  family(2) port(2) addr(4)      in6: family(2) port(2) flow(4) addr(16) scope(4)      un: family(2) path(108)
 */
import { isIPv4 } from 'node:net';
import type { Address } from '../api/socket.ts';
import { AF_INET, AF_INET6, AF_UNIX } from './constants.ts';

/** Large enough for each of the three. */
export const SOCKADDR_BYTES = 112;
const UN_PATH_BYTES = 108;

export function familyOf(address: Address): number {
  if (address.kind === 'pipe') return AF_UNIX;
  return address.family === 4 ? AF_INET : AF_INET6;
}

/** Writes the struct at `offset`; returns its length. */
export function encodeAddress(target: Buffer, offset: number, address: Address): number {
  target.fill(0, offset, offset + SOCKADDR_BYTES);
  target.writeUInt16LE(familyOf(address), offset);
  if (address.kind === 'pipe') return encodePipe(target, offset, address.path);
  target.writeUInt16BE(address.port, offset + 2);
  if (address.family === 4) {
    writeIpv4(target, offset + 4, address.ip);
    return 16;
  }
  writeIpv6(target, offset + 8, address.ip);
  return 28;
}

export function decodeAddress(source: Buffer, offset: number, length: number): Address {
  const family = length >= 2 ? source.readUInt16LE(offset) : AF_UNIX;
  if (family === AF_INET) {
    return { kind: 'ip', ip: readIpv4(source, offset + 4), port: source.readUInt16BE(offset + 2), family: 4 };
  }
  if (family === AF_INET6) {
    const port = source.readUInt16BE(offset + 2);
    const mapped = mappedIpv4(source, offset + 8);
    if (mapped !== null) return { kind: 'ip', ip: mapped, port, family: 4 };
    return { kind: 'ip', ip: readIpv6(source, offset + 8), port, family: 6 };
  }
  return { kind: 'pipe', path: decodePipe(source, offset, length) };
}

/** An abstract name (`@name`) starts with NUL in the struct and has no terminator. */
function encodePipe(target: Buffer, offset: number, path: string): number {
  const abstract = path.startsWith('@');
  const size = target.write(abstract ? path.slice(1) : path, offset + (abstract ? 3 : 2), UN_PATH_BYTES - 1);
  return 2 + size + 1;
}

function decodePipe(source: Buffer, offset: number, length: number): string {
  if (length <= 2) return '';
  const abstract = source[offset + 2] === 0;
  const path = source.toString('utf8', offset + (abstract ? 3 : 2), offset + length);
  const end = path.indexOf('\0');
  return (abstract ? '@' : '') + (end >= 0 ? path.slice(0, end) : path);
}

function readIpv4(source: Buffer, at: number): string {
  return `${source[at]}.${source[at + 1]}.${source[at + 2]}.${source[at + 3]}`;
}

function writeIpv4(target: Buffer, at: number, ip: string): void {
  const parts = ip.split('.');
  for (let index = 0; index < 4; index += 1) target[at + index] = Number(parts[index] ?? 0);
}

function mappedIpv4(source: Buffer, at: number): string | null {
  for (let index = 0; index < 10; index += 1) if (source[at + index] !== 0) return null;
  return source.readUInt16BE(at + 10) === 0xffff ? readIpv4(source, at + 12) : null;
}

function writeIpv6(target: Buffer, at: number, ip: string): void {
  const groups = expandIpv6(ip.replace(/%.*$/, ''));
  for (let index = 0; index < 8; index += 1) target.writeUInt16BE(groups[index] ?? 0, at + index * 2);
}

function expandIpv6(ip: string): number[] {
  const [head = '', tail] = ip.split('::');
  const left = toGroups(head);
  if (tail === undefined) return left;
  const right = toGroups(tail);
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}

function toGroups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!isIPv4(part)) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** RFC 5952: lower case, the longest run of zero groups (at least two) as `::`. */
function readIpv6(source: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => source.readUInt16BE(at + index * 2));
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start += 1) {
    let end = start;
    while (end < 8 && groups[end] === 0) end += 1;
    if (end - start > bestLength) {
      bestStart = start;
      bestLength = end - start;
    }
  }
  const hex = (list: number[]): string => list.map((group) => group.toString(16)).join(':');
  if (bestStart < 0) return hex(groups);
  return `${hex(groups.slice(0, bestStart))}::${hex(groups.slice(bestStart + bestLength))}`;
}
