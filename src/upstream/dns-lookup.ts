/**
 * Names to addresses, through Node. Main only, never on a request's path.
 *
 * By default the system's resolver answers (`getaddrinfo`: /etc/hosts, docker's embedded DNS). It knows no TTL, so a cluster that
 * respects TTLs, or names servers of its own, is asked for over DNS itself.
 */
import { promises as dns } from 'node:dns';
import type { Cluster, ClusterDnsLookupFamily } from '../api/envoy.ts';

export interface DnsAnswer {
  readonly ip: string;
  /** 0 = not known. */
  readonly ttlSeconds: number;
}

/** No address is an empty list; a rejection means that nobody could be asked. */
export type DnsLookup = (name: string, family: 4 | 6) => Promise<readonly DnsAnswer[]>;

/** Answers that say "there is none" rather than "I could not find out". */
const NO_ADDRESS = new Set(['ENODATA', 'ENOTFOUND', 'ENONAME']);

export function nodeLookup(config: Cluster): DnsLookup {
  const servers = serversOf(config);
  if (servers.length === 0 && config.respect_dns_ttl !== true) return systemLookup;
  const resolver = new dns.Resolver();
  if (servers.length > 0) resolver.setServers(servers);
  const query: DnsLookup = async (name, family) => {
    const options = { ttl: true } as const;
    const records = await (family === 4
      ? resolver.resolve4(name, options)
      : resolver.resolve6(name, options));
    return records.map(({ address, ttl }) => ({ ip: address, ttlSeconds: ttl }));
  };
  return async (name, family) => {
    const answers = await noneIfAbsent(query(name, family));
    // `localhost` and the other names of /etc/hosts are not in DNS.
    return answers.length > 0 || servers.length > 0 ? answers : systemLookup(name, family);
  };
}

/**
 * Asks for the families of `dns_lookup_family` in their order. A family that cannot be asked does not spoil what the other one
 * answers; only if none answered, the error counts.
 */
export async function lookupFamilies(
  lookup: DnsLookup,
  name: string,
  family: ClusterDnsLookupFamily,
): Promise<readonly DnsAnswer[]> {
  const order = FAMILIES[family];
  const found: DnsAnswer[] = [];
  let answered = false;
  let failure: unknown = null;
  for (const version of order) {
    try {
      found.push(...(await lookup(name, version)));
      answered = true;
    } catch (error) {
      failure = error;
    }
    if (found.length > 0 && family !== 'ALL') return found;
  }
  if (!answered) throw failure;
  // One family has no address, the other could not be asked: nothing is known.
  if (found.length === 0 && failure !== null) throw failure;
  return found;
}

const FAMILIES: Readonly<Record<ClusterDnsLookupFamily, readonly (4 | 6)[]>> = {
  AUTO: [6, 4],
  V4_PREFERRED: [4, 6],
  ALL: [4, 6],
  V4_ONLY: [4],
  V6_ONLY: [6],
};

async function systemLookup(name: string, family: 4 | 6): Promise<readonly DnsAnswer[]> {
  const lookup = dns
    .lookup(name, { family, all: true })
    .then((records) => records.map(({ address }) => ({ ip: address, ttlSeconds: 0 })));
  return noneIfAbsent(lookup);
}

async function noneIfAbsent(answers: Promise<readonly DnsAnswer[]>): Promise<readonly DnsAnswer[]> {
  try {
    return await answers;
  } catch (error) {
    if (NO_ADDRESS.has((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

function serversOf(config: Cluster): string[] {
  const addresses = config.dns_resolution_config?.resolvers ?? config.dns_resolvers ?? [];
  return addresses.flatMap(({ socket_address: socket }) => {
    if (socket?.address === undefined) return [];
    const host = socket.address.includes(':') ? `[${socket.address}]` : socket.address;
    return [`${host}:${socket.port_value ?? 53}`];
  });
}
