/** What the proxies say of themselves through their admin: resident memory and how many requests they had. */
import { request } from 'undici';
import type { Endpoint } from './settings.ts';

/** The listeners' `stat_prefix` in `compose/config`: from the pods of the proxy, and to them. */
const PREFIXES = ['outbound', 'inbound'] as const;

export interface ProxyState {
  readonly name: string;
  /** Resident, as the proxy's kernel counts it: pages that several containers share count in each. */
  readonly memoryBytes: number;
  /** Since its start. */
  readonly requests: Readonly<Record<(typeof PREFIXES)[number], number>>;
}

export async function proxyState({ name, address }: Endpoint): Promise<ProxyState> {
  const memory = JSON.parse(await textOf(`http://${address}/memory`)) as { total_physical_bytes: string };
  const stats = await textOf(`http://${address}/stats?filter=downstream_rq_total`);
  const count = (prefix: string): number =>
    Number(new RegExp(`^http\\.${prefix}\\.downstream_rq_total: (\\d+)$`, 'm').exec(stats)?.[1] ?? NaN);
  return {
    name,
    memoryBytes: Number(memory.total_physical_bytes),
    requests: { outbound: count('outbound'), inbound: count('inbound') },
  };
}

async function textOf(url: string): Promise<string> {
  const { statusCode, body } = await request(url);
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${url}: status ${statusCode}`);
  return text;
}
