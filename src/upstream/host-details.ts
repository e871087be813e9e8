/**
 * What a host has beside its address. Nearly every host of a mesh has nothing of it, so a snapshot says only what is other than here:
 * a hundred thousand hosts are a hundred thousand addresses.
 */
import type { HostSnapshot } from '../api/upstream.ts';

export type HostDetails = Required<Omit<HostSnapshot, 'address'>>;

const PLAIN: HostDetails = {
  hostname: '',
  weight: 1,
  priority: 0,
  region: '',
  zone: '',
  subZone: '',
  healthFlags: '',
};

/** All of them. */
export function detailsOf(host: HostSnapshot): HostDetails {
  const { address: _, ...told } = host;
  return { ...PLAIN, ...told };
}

/** Those that a snapshot tells. */
export function toldOf(details: HostDetails): Partial<HostDetails> {
  const told = Object.entries(details).filter(([name, value]) => value !== PLAIN[name as keyof HostDetails]);
  return Object.fromEntries(told);
}
