/**
 * What is traced without a configuration: the way of the talk's request through two proxies. `outbound` stands beside the client and
 * has a filter in front of its router, `inbound` beside the service, which lives in this process.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDemoService } from '../server/demo-service.ts';
import { embeddedConfig } from '../server/embedded-config.ts';
import { TracedProxy } from './traced-proxy.ts';

export interface DemoChain {
  /** In the order in which a request meets them. */
  readonly hops: readonly TracedProxy[];
  stop(): Promise<void>;
}

const DELAY_FILTER = fileURLToPath(new URL('../../config/filters/delay.js', import.meta.url));
const FILTERS = `- name: delay
  typed_config:
    "@type": type.googleapis.com/nodeproxy.extensions.filters.http.javascript.v1.JavaScript
    module: ${JSON.stringify(DELAY_FILTER)}`;

export async function startDemoChain(folder: string): Promise<DemoChain> {
  const service = await startDemoService('service');
  const hops: TracedProxy[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(hops.map((hop) => hop.stop()));
    await service.stop();
  };
  const start = async (
    name: string,
    next: { name: string; port: number },
    filters: string,
  ): Promise<number> => {
    const configFile = join(folder, `${name}.yaml`);
    writeFileSync(configFile, embeddedConfig({ listenerPort: 0, adminPort: 0, services: [next], filters }));
    const hop = await TracedProxy.start({ name, configFile, folder });
    hops.unshift(hop);
    return hop.ports[0] ?? 0;
  };
  try {
    const inbound = await start('inbound', service, '');
    await start('outbound', { name: 'inbound', port: inbound }, FILTERS);
    return { hops, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
