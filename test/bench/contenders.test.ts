/** The contenders: their configurations are accepted by those who read them, and each does the same work. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Contender, Place } from '../../bench/contenders/contender.ts';
import { ENVOY, ENVOY_TCP, envoyBinary, versionIn } from '../../bench/contenders/envoy.ts';
import {
  FAST_PROXY,
  FASTIFY_HTTP_PROXY,
  HTTP_PROXY_3,
  packageProgram,
} from '../../bench/contenders/gateways.ts';
import { HAPROXY, HAPROXY_TCP } from '../../bench/contenders/haproxy.ts';
import { lineBytes } from '../../bench/contenders/line-bytes.ts';
import { NGINX, NGINX_STREAM, streamModule } from '../../bench/contenders/nginx.ts';
import {
  NODEPROXY_FULL,
  NODEPROXY_NONE,
  NODEPROXY_PLAIN,
  NODEPROXY_TCP,
} from '../../bench/contenders/nodeproxy.ts';
import { chooseUpstream } from '../../bench/contenders/upstream.ts';
import { GROUPS, jsonOf, LADDER } from '../../bench/instrumentation/variants.ts';
import { MeasuredProcess } from '../../bench/harness/process.ts';
import { findProgram, freePort } from '../../bench/harness/programs.ts';
import { coresOf } from '../../bench/harness/set-up.ts';

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-contenders-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function placeIn(name: string, port = 1, upstreamPort = 2): Place {
  const own = join(folder, name.replaceAll(/[^a-z0-9]+/g, '-'));
  mkdirSync(own, { recursive: true });
  return { folder: own, port, upstreamPort };
}

describe('the configuration of a contender', () => {
  it('of nodeproxy is valid, with every log that is compared', () => {
    const bin = new URL('../../bin/nodeproxy.js', import.meta.url).pathname;
    const contenders = [NODEPROXY_FULL, NODEPROXY_NONE, NODEPROXY_PLAIN, NODEPROXY_TCP, ...LADDER, ...GROUPS];
    const files = contenders.map((contender) => {
      const { args } = contender.configure(placeIn(`valid ${contender.name}`));
      return args[args.indexOf('-c') + 1] ?? '';
    });
    const answer = execFileSync(process.execPath, [bin, 'validate', ...files], { encoding: 'utf8' });
    assert.match(answer, /OK/);
  });

  it('of Envoy is the very file that nodeproxy runs', () => {
    for (const [envoy, ours] of [[ENVOY, NODEPROXY_PLAIN] as const, [ENVOY_TCP, NODEPROXY_TCP] as const]) {
      const place = placeIn('same');
      const text = (contender: Contender): string => {
        const { args } = contender.configure(place);
        const file = readFileSync(args[args.indexOf('-c') + 1] ?? '', 'utf8');
        return file.replaceAll(/"path": "[^"]*"/g, '"path": "a log"');
      };
      assert.equal(text(envoy), text(ours));
    }
  });

  it('of nginx is accepted by nginx', { skip: without('nginx') }, () => {
    const { args } = NGINX.configure(placeIn('nginx'));
    execFileSync('nginx', ['-t', '-q', ...args], { stdio: 'pipe' });
    if (NGINX_STREAM.program.missing() !== undefined) return;
    execFileSync('nginx', ['-t', '-q', ...NGINX_STREAM.configure(placeIn('stream')).args], { stdio: 'pipe' });
  });

  it('of HAProxy is accepted by HAProxy', { skip: without('haproxy') }, () => {
    for (const contender of [HAPROXY, HAPROXY_TCP])
      execFileSync('haproxy', ['-c', '-q', ...contender.configure(placeIn(contender.name)).args], {
        stdio: 'pipe',
      });
  });
});

const ALL = [
  NODEPROXY_FULL,
  NODEPROXY_PLAIN,
  NGINX,
  HAPROXY,
  ENVOY,
  HTTP_PROXY_3,
  FASTIFY_HTTP_PROXY,
  FAST_PROXY,
];

describe('every HTTP contender', () => {
  const seen: { id: unknown; forwarded: unknown; port: unknown; bytes: number }[] = [];
  const upstream = createServer((incoming, response) => {
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => (bytes += chunk.length));
    incoming.on('end', () => {
      const { headers, socket } = incoming;
      seen.push({
        id: headers['x-request-id'],
        forwarded: headers['x-forwarded-for'],
        port: socket.remotePort,
        bytes,
      });
      response.setHeader('content-length', 3).end('yes');
    });
  });
  before(() => once(upstream.listen(0, '127.0.0.1'), 'listening'));
  after(() => upstream.close().closeAllConnections());

  for (const contender of ALL) {
    const skip = contender.program.missing() ?? false;
    it(
      `gives ids, appends addresses, keeps its upstream connection and logs: ${contender.name}`,
      { skip },
      async () => {
        const port = await freePort();
        const at = placeIn(`work ${contender.name}`, port, (upstream.address() as AddressInfo).port);
        const { logs, ...command } = contender.configure(at);
        const running = await MeasuredProcess.start({
          name: contender.name,
          ...command,
          core: coresOf().proxy,
          port,
        });
        try {
          seen.length = 0;
          for (let count = 0; count < 3; count += 1) assert.equal(await ask(port), 'yes');
          assert.equal(seen.length, 3);
          for (const { id, forwarded, bytes } of seen) {
            assert.match(String(id), /^[0-9a-f-]{32,36}$/);
            assert.match(String(forwarded), /^192\.0\.2\.7, ?\d+\.\d+\.\d+\.\d+$/);
            assert.equal(bytes, 10_240);
          }
          assert.equal(new Set(seen.map(({ id }) => id)).size, 3, 'each request has an id of its own');
          assert.equal(new Set(seen.map((each) => each.port)).size, 1, 'one upstream connection for all');
          const [log = ''] = logs;
          await until(
            () => readFileSync(log, 'latin1').split('/asked').length === 4,
            'three lines are logged',
          );
          const text = readFileSync(log, 'latin1');
          for (const { id } of seen) assert.ok(text.includes(String(id)), 'the id stands in the log');
          assert.match(text, /POST \/asked/);
        } finally {
          await running.stop();
        }
      },
    );
  }
});

describe('a log line', () => {
  const file = join(folder, 'lines.log');

  it('has the mean length of the lines behind the first newline', () => {
    writeFileSync(file, `half of a line\n${'x'.repeat(99)}\n${'x'.repeat(199)}\nunfinished`);
    assert.equal(lineBytes(file), 150);
  });

  it('is not made longer by the hole of a file that was emptied under its writer', () => {
    writeFileSync(file, '');
    truncateSync(file, 4096);
    appendFileSync(file, 'x\n'.repeat(3));
    assert.equal(lineBytes(file), 2);
  });

  it('is measured at the end of a file that is larger than the sample', () => {
    writeFileSync(file, `${'x'.repeat(999)}\n`.repeat(3000) + `${'x'.repeat(9)}\n`.repeat(200_000));
    assert.equal(lineBytes(file), 10);
  });

  it('has no length where there is none', () => {
    writeFileSync(file, 'no newline');
    assert.equal(lineBytes(file), null);
    writeFileSync(file, 'one\n');
    assert.equal(lineBytes(file), null);
    writeFileSync(file, '');
    assert.equal(lineBytes(file), null);
    assert.equal(lineBytes(join(folder, 'missing')), null);
  });
});

describe('what is missing', () => {
  it('is named: Envoy, packages, the stream module', () => {
    assert.equal(envoyBinary({ ENVOY: '/nonexistent/envoy', PATH: process.env['PATH'] }), undefined);
    assert.equal(envoyBinary({ PATH: folder }), undefined);
    assert.match(String(packageProgram('no-such-package').missing()), /no-such-package is not installed/);
    assert.equal(packageProgram('no-such-package').version(), undefined);
    assert.equal(streamModule('--with-stream=dynamic --modules-path=/nonexistent'), undefined);
    assert.equal(streamModule(''), undefined);
    assert.equal(streamModule('--with-stream --with-http_v2_module'), '');
  });

  it('is replaced where it is the upstream, and said', () => {
    const { contender, note } = chooseUpstream(folder, 'nginx is not installed');
    assert.equal(contender.configure(placeIn('upstream')).command, process.execPath);
    assert.match(String(note), /nginx is not installed.*Node server/);
  });
});

it("Envoy's version stands behind its commit", () => {
  assert.equal(versionIn('/opt/python3.11/envoy  version: 4a1f0c/1.40.0/Clean/RELEASE/BoringSSL'), '1.40.0');
  assert.equal(versionIn('no version'), undefined);
});

it('a format as JSON has a member for each operator, once', () => {
  assert.deepEqual(jsonOf('%DURATION% %REQ(X-ID)% %DURATION% "%A(us)%"'), {
    duration: '%DURATION%',
    req_x_id: '%REQ(X-ID)%',
    a_us: '%A(us)%',
  });
});

function without(program: string): string | false {
  return findProgram(program) === undefined ? `${program} is not installed` : false;
}

/** A POST of 10 KiB on a connection of its own. */
async function ask(port: number): Promise<string> {
  const headers = { 'x-forwarded-for': '192.0.2.7', 'content-length': 10_240 };
  const asked = request({ host: '127.0.0.1', port, path: '/asked', method: 'POST', headers, agent: false });
  asked.setHeader('connection', 'keep-alive');
  asked.end(Buffer.alloc(10_240, 0x61));
  const [response] = (await once(asked, 'response')) as [NodeJS.ReadableStream];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  asked.destroy();
  return Buffer.concat(chunks).toString();
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !condition(); waited += 1) {
    assert.ok(waited < 500, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
