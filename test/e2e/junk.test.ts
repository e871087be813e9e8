/**
 * Scanners: many connections that speak no HTTP, and many requests for what is not there. Each gets its refusal, none stays, and the
 * memory of the second wave is that of the first.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { eventually } from '../support/pattern.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { get, RawClient } from '../support/raw-client.ts';

const MIB = 1024 * 1024;
const CONNECTIONS = 1000;
const AT_ONCE = 20;
const REQUESTS = 20_000;
const PIPELINE = 500;
/** What the collector has not given back between two waves. */
const GROWTH = 32 * MIB;
/** Openings of TLS, SSH, RDP, SMB and SOCKS, and a line of shell. */
const JUNK = [
  Buffer.from('16030100f1010000ed0303', 'hex'),
  Buffer.from('SSH-2.0-scan\r\n\r\n'),
  Buffer.from('0300002f2ae00000000000436f6f6b69653a20', 'hex'),
  Buffer.from('00000085ff534d4272000000001853c8', 'hex'),
  Buffer.from('050100\r\n\r\n'),
  Buffer.from('\x00\xff\xfe'.repeat(50), 'latin1'),
  Buffer.from('() { :;}; /bin/true\r\n\r\n'),
];

let proxy: RunningProxy | null = null;
before(async () => {
  const routes = { name: 'routes', virtual_hosts: [{ name: 'none', domains: ['only.test'], routes: [] }] };
  proxy = await startProxy({
    concurrency: 1,
    staticResources: httpProxyTo([1], {
      format: '%RESPONSE_CODE% %RESPONSE_FLAGS%',
      manager: { route_config: routes, request_headers_timeout: '1s', delayed_close_timeout: '0.2s' },
    }),
  });
});
after(() => proxy?.stop());

/** The first line that comes back, '' for none, once the proxy has closed. */
async function offer(port: number, bytes: Buffer): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => (received += text));
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return received.split('\r\n')[0] ?? '';
}

async function wave(running: RunningProxy): Promise<void> {
  const port = running.port('http');
  const answers = new Map<string, number>();
  let next = 0;
  const scanners = Array.from({ length: AT_ONCE }, async () => {
    while (next < CONNECTIONS) {
      next += 1;
      const line = await offer(port, JUNK[next % JUNK.length] ?? Buffer.from('\r\n'));
      answers.set(line, (answers.get(line) ?? 0) + 1);
    }
  });
  await Promise.all(scanners);
  // Either refused at once or, where it could still become a head, when its time is over.
  for (const line of answers.keys()) assert.match(line, /^HTTP\/1\.1 4\d\d /);
  const client = await RawClient.connect(port);
  for (let sent = 0; sent < REQUESTS; sent += PIPELINE) {
    client.write(get('/wp-login.php').repeat(PIPELINE));
    for (let count = 0; count < PIPELINE; count += 1) assert.equal((await client.response()).status, 404);
  }
  client.destroy();
}

test('waves of junk are refused one by one, leave nothing, and cost no memory', async () => {
  assert.ok(proxy !== null);
  const running = proxy;
  await wave(running);
  const after = running.resident();
  await wave(running);
  const stat = (name: string) => (): Promise<number> => running.stat(`http.ingress.${name}`);
  await eventually(stat('downstream_cx_active'), 0, 'connections stay');
  await eventually(stat('downstream_rq_active'), 0, 'requests stay');
  assert.ok(running.resident() - after < GROWTH, `grown by ${(running.resident() - after) / MIB} MiB`);
  const lines = await running.logLines(2 * (CONNECTIONS + REQUESTS));
  assert.equal(lines.length, 2 * (CONNECTIONS + REQUESTS));
  const kinds = new Set(lines);
  assert.ok(kinds.delete('404 NR') && kinds.delete('400 DPE'), [...kinds].join(', '));
  kinds.delete('408 -');
  assert.deepEqual([...kinds], []);
});
