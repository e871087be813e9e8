/**
 * Every file in config/ is started as it is, on ports that are free, in front of the demo service: it becomes live without a warning
 * and does what its listeners are for.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startDemoService } from '../../src/server/demo-service.ts';
import type { DemoService } from '../../src/server/demo-service.ts';
import { ProxyProcess } from '../server/proxy-process.ts';
import { ROOT } from './markdown.ts';

const HELLO = 'Hello world\n';
/** Samples that refuse or delay some requests on purpose get as many as it takes. */
const ATTEMPTS = 50;
const UPSTREAM_SOCKET = '/tmp/nodeproxy-upstream.sock';

let upstream: DemoService;
before(async () => {
  upstream = await startDemoService('sample');
});
after(() => upstream.stop());

/** The sample with ports, files and sockets of this run; `@/` is the folder of the process. */
function rewritten(name: string): string {
  return readFileSync(`${ROOT}config/${name}`, 'utf8')
    .replaceAll(/port_value: (?:10\d\d\d|9901)\b/g, 'port_value: 0')
    .replaceAll(/port_value: 808\d\b/g, `port_value: ${upstream.port}`)
    .replaceAll('/tmp/', '@/')
    .replaceAll('module: filters/', `module: ${ROOT}config/filters/`);
}

/** `socketPath` or host and port of a listener's address in `/listeners`. */
function whereOf(address: string): { socketPath: string } | { host: string; port: number } {
  if (address.startsWith('/')) return { socketPath: address };
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

function get(address: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ ...whereOf(address), path: '/', agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });
}

function echoed(address: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const where = whereOf(address);
    const socket = connect('socketPath' in where ? { path: where.socketPath } : where);
    let back = '';
    socket.on('error', reject).setEncoding('utf8');
    socket.on('data', (piece: string) => {
      back += piece;
      if (back.length < text.length) return;
      socket.destroy();
      resolve(back);
    });
    socket.write(text);
  });
}

async function serves(address: string): Promise<void> {
  let last = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { status, body } = await get(address);
    if (status === 200 && body === HELLO) return;
    last = `${status} ${body}`;
  }
  assert.fail(`${address} answers ${last}`);
}

for (const name of readdirSync(`${ROOT}config`).filter((file) => file.endsWith('.yaml'))) {
  test(`config/${name} serves`, async () => {
    const text = rewritten(name);
    const proxy = new ProxyProcess(
      [
        'run',
        '-c',
        '@/sample.yaml',
        '--admin-address-path',
        '@/admin.txt',
        '--file-flush-interval-msec',
        '20',
      ],
      { 'sample.yaml': text },
    );
    const socket = join(proxy.folder, UPSTREAM_SOCKET.slice('/tmp/'.length));
    const local = text.includes(UPSTREAM_SOCKET.replace('/tmp/', '@/'))
      ? await startDemoService('sample', { path: socket })
      : null;
    try {
      await proxy.live();
      const { body } = await proxy.admin('/listeners');
      const addresses = body
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(line.indexOf('::') + 2));
      assert.ok(addresses.length > 0);
      for (const address of addresses) {
        if (text.includes('filters.network.echo'))
          assert.equal(await echoed(address, 'there and back'), 'there and back');
        else await serves(address);
      }
      // The watchdog tells of a machine that gave a thread no processor: true, and not the sample's fault.
      assert.doesNotMatch(proxy.err, /\]\[(?:warning|error|critical)\]\[\w+\] (?!watchdog: )/);
      proxy.kill('SIGTERM');
      assert.equal((await proxy.ended).code, 0, proxy.err);
      if (text.includes('@/nodeproxy-access.log'))
        assert.match(proxy.read('nodeproxy-access.log'), /"GET \/ HTTP/);
    } finally {
      await proxy.dispose();
      await local?.stop();
    }
  });
}
