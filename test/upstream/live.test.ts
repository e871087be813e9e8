/** The pool over real sockets and the real codec, on both socket interfaces, against the demo service. */
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { HeaderMap, RequestEncoder, ResponseDecoder, StreamCallbacks } from '../../src/api/http.ts';
import type { Cluster } from '../../src/api/envoy.ts';
import type { Bytes } from '../../src/api/bytes.ts';
import type { Address } from '../../src/api/socket.ts';
import type { Host, HttpPoolCallbacks, PoolAttachment } from '../../src/api/upstream.ts';
import { bytesOf, copyOf } from '../../src/buffer/bytes.ts';
import { HeaderList } from '../../src/codec/header-map.ts';
import { Http1ClientCodec } from '../../src/codec/http1/client-codec.ts';
import { http1ClientSettings } from '../../src/codec/http1/settings.ts';
import { WorkerCluster } from '../../src/upstream/cluster.ts';
import { ClusterSettings } from '../../src/upstream/cluster-settings.ts';
import { SharedCounts } from '../../src/upstream/breaker/shared-counts.ts';
import { PlainHostStats } from '../../src/upstream/host.ts';
import { startDemoService, startRawService } from '../support/lab-server.ts';
import { INTERFACES, threadOf } from '../support/thread.ts';
import type { InterfaceKind } from '../support/thread.ts';
import { MapStats, hostSnapshot } from './fakes.ts';

interface Outcome {
  readonly status: number;
  readonly body: string;
  readonly failure: string;
  readonly text: string;
  readonly connectionId: number;
  readonly createdConnectionId: number;
  readonly reused: boolean;
}

class LiveRequest implements ResponseDecoder, HttpPoolCallbacks, StreamCallbacks {
  readonly #path: string;
  readonly #body: string;
  readonly #done: (outcome: Outcome) => void;
  #status = 0;
  #received = '';
  #connectionId = 0;
  #created = 0;
  #reused = false;

  constructor(path: string, body: string, done: (outcome: Outcome) => void) {
    this.#path = path;
    this.#body = body;
    this.#done = done;
  }

  onPoolReady(encoder: RequestEncoder, _host: Host, attachment: PoolAttachment): void {
    this.#connectionId = attachment.connection.id;
    this.#created = attachment.createdConnectionId;
    this.#reused = attachment.reused;
    encoder.stream.addCallbacks(this);
    const head = new HeaderList();
    head.method = 'POST';
    head.path = this.#path;
    head.authority = 'demo';
    head.add('content-length', String(Buffer.byteLength(this.#body)));
    encoder.encodeHeaders(head, this.#body === '');
    if (this.#body !== '') encoder.encodeData(bytesOf(this.#body), true);
  }

  onPoolFailure(reason: string, text: string): void {
    this.#end(reason, text);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.#status = headers.status;
    if (endStream) this.#end('', '');
  }

  decodeData(bytes: Bytes, endStream: boolean): void {
    this.#received += copyOf(bytes).toString();
    if (endStream) this.#end('', '');
  }

  onResetStream(reason: string, details: string): void {
    this.#end(reason, details);
  }

  decodeTrailers(): void {
    this.#end('', '');
  }

  decodeInformational(): void {
    // Not looked at.
  }

  onWire(): void {
    // Not looked at.
  }

  onAboveWriteBufferHighWatermark(): void {
    // Small bodies.
  }

  onBelowWriteBufferLowWatermark(): void {
    // Small bodies.
  }

  #end(failure: string, text: string): void {
    this.#done({
      status: this.#status,
      body: this.#received,
      failure,
      text,
      connectionId: this.#connectionId,
      createdConnectionId: this.#created,
      reused: this.#reused,
    });
  }
}

class Live {
  readonly stats = new MapStats();
  readonly cluster: WorkerCluster;
  readonly #kind: InterfaceKind;

  constructor(kind: InterfaceKind, address: Address, config: Cluster = {}) {
    const { dispatcher, connections } = threadOf(kind);
    const settings = http1ClientSettings();
    this.#kind = kind;
    this.cluster = new WorkerCluster({
      settings: new ClusterSettings('echo', config, this.stats),
      environment: {
        dispatcher,
        connect: (request) => connections.connect(request),
        codec: (connection) => new Http1ClientCodec({ connection, settings }),
      },
      hostStats: () => new PlainHostStats(),
      place: { counts: SharedCounts.local(), row: 1, worker: 0 },
    });
    this.cluster.update({ config, hosts: [hostSnapshot(0, { address })], version: 1 });
  }

  ask(path: string, body: string, then: (outcome: Outcome) => void): void {
    threadOf(this.#kind).dispatcher.run(() => {
      const request = new LiveRequest(path, body, then);
      this.cluster.httpPool({}, 'default')?.newStream(request, request);
    });
  }

  get(path: string, body = ''): Promise<Outcome> {
    return new Promise((resolve) => {
      this.ask(path, body, resolve);
    });
  }

  stop(): void {
    threadOf(this.#kind).dispatcher.run(() => this.cluster.drain(true));
  }
}

function loopback(port: number): Address {
  return { kind: 'ip', ip: '127.0.0.1', port, family: 4 };
}

for (const kind of INTERFACES) {
  describe(`over ${kind} sockets`, () => {
    test('requests get their own answers over few connections that are reused', async () => {
      const service = await startDemoService('demo');
      const live = new Live(kind, loopback(service.port));
      for (let round = 0; round < 5; round += 1) {
        const bodies = Array.from({ length: 20 }, (_, index) => `nonce-${round}-${index}`);
        const outcomes = await Promise.all(bodies.map((body) => live.get('/echo', body)));
        assert.deepEqual(
          outcomes.map((outcome) => outcome.body),
          bodies,
        );
      }
      assert.equal(service.requests, 100);
      assert.ok(service.connections <= 20, `${service.connections} connections`);
      assert.equal(live.stats.get('cluster.echo.upstream_cx_total'), service.connections);
      assert.equal(live.stats.get('cluster.echo.upstream_rq_active'), 0);
      assert.ok(live.stats.get('cluster.echo.upstream_cx_rx_bytes_total') > 10_000);
      live.stop();
      await service.stop();
    });

    test('a refused connect is told with the text of the system', async () => {
      const service = await startDemoService('gone');
      const { port } = service;
      await service.stop();
      const live = new Live(kind, loopback(port));
      const outcome = await live.get('/');
      assert.equal(outcome.failure, 'remote connection failure');
      assert.equal(outcome.text, 'delayed connect error: Connection refused');
      assert.equal(live.stats.get('cluster.echo.upstream_cx_active'), 0);
    });

    // node:net cannot look into the kernel: there the router's retry of the idle-close race has to help.
    const canPeek = kind === 'syscall';
    test('an upstream that hangs up behind each answer costs no request', { skip: !canPeek }, async () => {
      const service = await startRawService(({ socket }) => {
        // Answer and FIN leave in one tick: both lie in the kernel before the answer is read.
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        socket.end();
      });
      // One connection at a time: a freed one is wanted at once by the request that waits.
      const config = { circuit_breakers: { thresholds: [{ max_connections: 1 }] } };
      const live = new Live(kind, loopback(service.port), config);
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => live.get('/')));
      assert.deepEqual(new Set(outcomes.map((outcome) => outcome.body)), new Set(['ok']));
      assert.deepEqual(new Set(outcomes.map((outcome) => outcome.failure)), new Set(['']));
      assert.equal(service.connections, 50);
      live.stop();
      await service.stop();
    });

    test('an endpoint can be a unix socket', async () => {
      const path = join(tmpdir(), `nodeproxy-pool-${process.pid}-${kind}.sock`);
      const service = await startDemoService('unix', { path });
      const live = new Live(kind, { kind: 'pipe', path });
      assert.equal((await live.get('/')).body, 'Hello world\n');
      const second = await live.get('/large?length=100000');
      assert.equal(second.body.length, 100_001);
      assert.equal(second.reused, true);
      live.stop();
      await service.stop();
    });
  });
}
