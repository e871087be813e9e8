/**
 * Addresses as text for the log: without port; as a network (`10.0.0.0/8`).
 */
import type { Address } from '../../api/socket.ts';
import { FormatError } from './operator.ts';

/** A pipe has no port to leave out. */
export function addressWithoutPort(address: Address): string {
  return address.kind === 'pipe' ? address.path : address.ip;
}

/** Length of a network prefix out of an operator's parameter. Throws `FormatError`. */
export function parseMask(parameter: string, name: string): number {
  const bits = Number(parameter);
  if (!/^\d{1,3}$/.test(parameter) || bits > 128)
    throw new FormatError(`%${name}(${parameter})%: expected the length of a network prefix, 0 to 128`);
  return bits;
}

/** `10.1.2.3` and 16 make `10.1.0.0/16`. A prefix longer than the address is the whole address. */
export function networkText(address: Address, bits: number): string {
  if (address.kind === 'pipe') return address.path;
  if (address.family === 4) return maskV4(address.ip, Math.min(bits, 32));
  return maskV6(address.ip, Math.min(bits, 128));
}

function maskV4(ip: string, bits: number): string {
  const bytes = ip.split('.').map((part, index) => {
    const kept = Math.max(0, Math.min(8, bits - index * 8));
    return Number(part) & (0xff << (8 - kept));
  });
  return `${bytes.join('.')}/${bits}`;
}

function maskV6(ip: string, bits: number): string {
  const groups = groupsOf(ip).map((group, index) => {
    const kept = Math.max(0, Math.min(16, bits - index * 16));
    return group & (0xffff << (16 - kept)) & 0xffff;
  });
  return `${compressed(groups)}/${bits}`;
}

/** The eight 16-bit groups. */
function groupsOf(ip: string): number[] {
  const [text = ''] = ip.split('%');
  const [head = '', tail] = text.split('::');
  const before = groupList(head);
  if (tail === undefined) return before;
  const after = groupList(tail);
  return [...before, ...new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
}

function groupList(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

/** The longest run of two or more zero groups becomes `::` (RFC 5952). */
function compressed(groups: readonly number[]): string {
  let start = -1;
  let length = 1;
  for (let index = 0; index < groups.length; index += 1) {
    let end = index;
    while (end < groups.length && groups[end] === 0) end += 1;
    if (end - index > length) {
      start = index;
      length = end - index;
    }
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}
