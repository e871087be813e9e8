/**
 * What `nodeproxy run` shows without a file: two services in this process, the embedded configuration in front of them, and three
 * commands to try. Ports that are taken give way to the next free ones.
 */
import { createServer } from 'node:net';
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
  const listenerPort = await freePort(LISTENER_PORT);
  const adminPort = await freePort(ADMIN_PORT);
  const text = embeddedConfig({ listenerPort, adminPort, services });
  return {
    bootstrap: loadBootstrap({ text, file: 'embedded configuration' }, { checks: CONFIG_CHECKS }),
    banner: (running) => banner(running, { listenerPort, adminPort }),
    stop: async () => {
      await Promise.all(services.map((service) => service.stop()));
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

/** The first port from `preferred` on that can be bound here now; 0 (any) when there is none near. */
async function freePort(preferred: number): Promise<number> {
  for (let port = preferred; port < preferred + PORTS_TO_TRY; port += 1) {
    if (await isFree(port)) return port;
  }
  return 0;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port }, () => probe.close(() => resolve(true)));
  });
}
