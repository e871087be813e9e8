/** The network without root: every pod is an address in 127.0.0.0/8, all ports are the kernel's choice. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Network } from './network.ts';
import { placesOf, relayPorts } from './network.ts';

/** Runs at the same time differ in their second byte, as far as their process ids do. */
const FIRST_NET = 64;
const NETS = 128;
const FIXED_PORTS = 3;

export async function loopbackNetwork(pods: number): Promise<Network> {
  const places = placesOf(`127.${FIRST_NET + (process.pid % NETS)}`, pods, () => []);
  const [service = 0, outbound = 0, inbound = 0, ...relay] = await freePorts(FIXED_PORTS + relayPorts(pods));
  return {
    kind: 'loopback',
    ...places,
    ports: { service, outbound, inbound, relay },
    nodeListens: places.servers.map(({ nodeAddress }) => nodeAddress),
    close: () => undefined,
  };
}

/** Free on all addresses a moment ago: all are held before the first is let go. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '0.0.0.0'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
