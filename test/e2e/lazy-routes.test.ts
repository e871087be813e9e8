/** A table of thousands of virtual hosts costs each worker those that its requests have asked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchText } from '../server/proxy-process.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { Json } from '../support/proxy.ts';

const HOSTS = 5000;
const ASKED = ['s17.svc', 'any.s4321.svc', 's4999'];
/** Connections are spread by the kernel: so many rounds without one to each worker do not happen. */
const MOST_ROUNDS = 200;

const virtualHosts = Array.from({ length: HOSTS }, (_, index): Json => ({
  name: `v${index}`,
  domains: [`s${index}`, `s${index}.svc`, `*.s${index}.svc`],
  routes: [
    { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: `v${index}` } } },
  ],
}));

test('of 5,000 virtual hosts each worker decodes the three that requests ask for', async () => {
  const manager = { route_config: { name: 'mesh', virtual_hosts: virtualHosts } };
  const proxy = await startProxy({ staticResources: httpProxyTo([1], { manager }) });
  try {
    const inflated = (): Promise<number[]> =>
      Promise.all(
        [0, 1].map((worker) =>
          proxy.stat(`thread_local_route_tables.worker_${worker}.virtual_hosts_inflated`),
        ),
      );
    assert.deepEqual(await inflated(), [0, 0]);
    let counts: number[] = [];
    for (let round = 0; round < MOST_ROUNDS && counts.join(' ') !== '3 3'; round += 1) {
      const url = `http://127.0.0.1:${proxy.port('http')}/`;
      const bodies: string[] = [];
      for (const host of ASKED) bodies.push((await fetchText(url, 'GET', { host })).body);
      assert.deepEqual(bodies, ['v17', 'v4321', 'v4999']);
      assert.equal((await fetchText(url, 'GET', { host: `unknown-${round}.svc` })).status, 404);
      counts = await inflated();
      assert.ok(
        counts.every((count) => count <= 3),
        counts.join(' '),
      );
    }
    assert.deepEqual(counts, [3, 3]);
  } finally {
    await proxy.stop();
  }
});
