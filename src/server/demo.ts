/**
 * What `nodeproxy run` shows without a file: two services in this process, the embedded configuration in front of them, and three
 * commands to try. Ports that are taken give way to the next free ones.
 *
 * Between the look at a port and its listener some time passes, and listeners that share their port by `SO_REUSEPORT` would let
 * two demos that start together have the same one. So each port is first claimed by a name in Linux's abstract socket namespace,
 * which one process can have, and which goes with it.
 */
import { createServer } from 'node:net';
import type { ListenOptions, Server } from 'node:net';
import type { Bootstrap } from '../api/envoy.ts';
import { loadBootstrap } from '../config/load-bootstrap.ts';
import { CONFIG_CHECKS } from './config-checks.ts';
import { startDemoService } from './demo-service.ts';
import { embeddedConfig } from './embedded-config.ts';
import type { RunningServer } from './server-options.ts';

const LISTENER_PORT = 10_000;
const ADMIN_PORT = 9901;
/** Tried behind the preferred one. */
const PORTS_TO_TRY = 50;
const SERVICES = ['one', 'two'];

export interface Demo {
  readonly bootstrap: Bootstrap;
  banner(running: RunningServer): string;
  stop(): Promise<void>;
}

export async function startDemo(): Promise<Demo> {
  const services = await Promise.all(SERVICES.map((name) => startDemoService(name)));
  const claims: Server[] = [];
  const listenerPort = await freePort(LISTENER_PORT, claims);
  const adminPort = await freePort(ADMIN_PORT, claims);
  const text = embeddedConfig({ listenerPort, adminPort, services });
  return {
    bootstrap: loadBootstrap({ text, file: 'embedded configuration' }, { checks: CONFIG_CHECKS }),
    banner: (running) => banner(running, { listenerPort, adminPort }),
    stop: async () => {
      await Promise.all(services.map((service) => service.stop()));
      for (const claim of claims) claim.close();
    },
  };
}

function banner(
  running: RunningServer,
  ports: { readonly listenerPort: number; readonly adminPort: number },
): string {
  const proxy = `http://127.0.0.1:${ports.listenerPort}`;
  const threads = running.threads.map(({ name, tid }) => `${name} (${tid})`).join(', ');
  return [
    '',
    `nodeproxy serves two demo services on ${proxy}, with ${threads}.${takenNote(ports.listenerPort, LISTENER_PORT)}`,
    `Admin: http://${running.adminAddress}${takenNote(ports.adminPort, ADMIN_PORT)}`,
    'Each request prints its line of the instrumented log here. Three to try:',
    '',
    `  curl ${proxy}/`,
    `  curl '${proxy}/split?delay=19'            # head and body 19 ms apart: see the third group of the line`,
    `  curl '${proxy}/two/large?length=100000'   # the other service, a body of many reads`,
    '',
  ].join('\n');
}

function takenNote(port: number, preferred: number): string {
  return port === preferred ? '' : ` (port ${preferred} is taken)`;
}

/** The first port from `preferred` on that can be bound here now, claimed; 0 (any) when there is none near. */
async function freePort(preferred: number, claims: Server[]): Promise<number> {
  for (let port = preferred; port < preferred + PORTS_TO_TRY; port += 1) {
    const claim = await listening({ path: `\0nodeproxy-demo-${port}` });
    if (claim === null && process.platform === 'linux') continue;
    if (claim !== null) claims.push(claim);
    const probe = await listening({ host: '127.0.0.1', port });
    if (probe === null) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
  return 0;
}

/** Null: the address is taken, or of no use here. */
function listening(address: ListenOptions): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(address, () => resolve(server.unref()));
  });
}
