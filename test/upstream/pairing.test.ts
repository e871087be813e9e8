/**
 * POOL-4: whatever happens to connections, an answer reaches the request that it belongs to. The upstream answers each line
 * with the line itself, so a wrong pairing shows as a wrong text. Random events, fixed seeds.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../src/api/envoy.ts';
import type { PoolTicket } from '../../src/api/upstream.ts';
import { Http1Pool } from '../../src/upstream/pool/http-pool.ts';
import type { FakeConnection } from '../support/fake-connection.ts';
import { Bench, TestRequest } from './fakes.ts';

const REQUESTS = 1000;

class Chaos extends Bench {
  readonly pool: Http1Pool;
  readonly sent: TestRequest[] = [];
  readonly #tickets = new Map<TestRequest, PoolTicket>();
  readonly cancelled = new Set<TestRequest>();
  readonly #limits: { readonly pending: number; readonly connections: number };
  #state: number;

  constructor(seed: number, config: Cluster, limits: { pending: number; connections: number }) {
    super();
    this.#state = seed;
    this.#limits = limits;
    const settings = this.settings(config);
    this.pool = new Http1Pool(
      this.environment,
      this.host(settings),
      this.breakers(settings),
      () => undefined,
    );
  }

  random(below: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * below);
  }

  step(): void {
    const live = this.connections.filter((connection) => connection.state !== 'closed');
    const connection = live[this.random(live.length)];
    const dice = this.random(100);
    if (dice < 35 && this.sent.length < REQUESTS) this.#send();
    else if (dice < 40) this.#cancelOne();
    else if (dice < 43) this.dispatcher.advance(this.random(400));
    else if (connection !== undefined) this.#happenTo(connection, dice);
    this.check();
  }

  /** Everything that is still open gets its answer. */
  finish(): void {
    for (let round = 0; round < 10_000; round += 1) {
      const live = this.connections.filter((connection) => connection.state !== 'closed');
      const waiting = live.filter(
        (connection) => connection.state === 'connecting' || this.#lineOf(connection) !== null,
      );
      if (waiting.length === 0) return;
      for (const connection of waiting) this.#happenTo(connection, 50);
    }
    throw new Error('the pool does not come to rest');
  }

  check(): void {
    const { pool } = this;
    const states = Array.from(pool.connections, (connection) => connection.state);
    const active = states.filter((state) => state === 'busy' || state === 'draining').length;
    assert.equal(this.counts.read(1, 0), states.length, 'connections');
    assert.equal(this.counts.read(1, 1), pool.pending, 'pending');
    assert.equal(this.counts.read(1, 2), active, 'requests');
    assert.equal(pool.host.activeRequests, active);
    assert.equal(this.stat('upstream_rq_active'), active);
    assert.ok(states.length <= Math.max(1, this.#limits.connections), 'max_connections');
    assert.ok(pool.pending <= this.#limits.pending, 'max_pending_requests');
    if (states.includes('ready')) assert.equal(pool.pending, 0, 'nobody waits beside an idle connection');
    if (pool.pending > 0) assert.ok(states.length > 0, 'whoever waits, waits for a connection');
  }

  #send(): void {
    const request = new TestRequest(`nonce-${this.sent.length}-${this.random(1e9)}`);
    this.sent.push(request);
    const ticket = this.pool.newStream(request, request);
    if (ticket !== null) this.#tickets.set(request, ticket);
  }

  #cancelOne(): void {
    for (const [request, ticket] of this.#tickets) {
      this.#tickets.delete(request);
      const waiting = request.encoder === null && request.outcome === null;
      ticket.cancel();
      if (waiting) {
        this.cancelled.add(request);
        return;
      }
    }
  }

  #happenTo(connection: FakeConnection, dice: number): void {
    if (connection.state === 'connecting') {
      if (dice >= 97) connection.fail('ECONNREFUSED');
      else connection.connect();
      return;
    }
    const line = this.#lineOf(connection);
    if (dice >= 98) connection.fail('ECONNRESET');
    else if (dice >= 96) connection.receiveEnd();
    else if (dice >= 94) connection.unread = -1;
    else if (line === null) return;
    else if (dice >= 90) connection.receive(`${line}\nstray`);
    else if (dice >= 80) this.#inPieces(connection, line);
    else connection.receive(`${line}\n`);
  }

  #inPieces(connection: FakeConnection, line: string): void {
    const cut = this.random(line.length);
    if (cut > 0) connection.receive(line.slice(0, cut));
    connection.receive(`${line.slice(cut)}\n`);
  }

  /** The request on the connection that has no answer yet. */
  #lineOf(connection: FakeConnection): string | null {
    const codec = this.codecs[this.connections.indexOf(connection)];
    if (codec === undefined || codec.activeStreams === 0) return null;
    return connection.written.split('\n').at(-2) ?? null;
  }
}

function run(seed: number, config: Cluster, limits: { pending: number; connections: number }): Chaos {
  const chaos = new Chaos(seed, config, limits);
  while (chaos.sent.length < REQUESTS) chaos.step();
  chaos.finish();
  chaos.check();
  return chaos;
}

test('a thousand random requests, thrice: each answer is its own, each request ends once, nothing is left', () => {
  const limits = { pending: 6, connections: 4 };
  const config: Cluster = {
    connect_timeout: 300,
    common_http_protocol_options: {
      idle_timeout: 500,
      max_requests_per_connection: 7,
      max_connection_duration: 2000,
    },
    circuit_breakers: {
      thresholds: [{ max_connections: limits.connections, max_pending_requests: limits.pending }],
    },
  };
  for (const seed of [1, 22, 333]) {
    const { sent, cancelled, pool, stats } = run(seed, config, limits);
    const ends = new Map<string, number>();
    let mismatched = 0;
    for (const request of sent) {
      const end = request.response === null ? (request.outcome ?? 'none') : 'answered';
      ends.set(end, (ends.get(end) ?? 0) + 1);
      if (request.response !== null) assert.equal(request.response, request.text);
      assert.equal(request.outcome === null, cancelled.has(request), request.text);
      if (request.createdConnectionId > 0 && request.createdConnectionId !== request.connectionId)
        mismatched += 1;
    }
    assert.ok((ends.get('answered') ?? 0) > 200, 'many were answered');
    assert.ok(
      (ends.get('overflow') ?? 0) > 0 && (ends.get('connection timeout') ?? 0) > 0,
      'limits were met',
    );
    assert.ok(mismatched > 0, 'created and used connection differed at times');
    assert.equal(pool.pending, 0);
    assert.equal(stats.get('cluster.echo.upstream_rq_pending_overflow'), ends.get('overflow'));
    assert.equal(stats.get('cluster.echo.upstream_rq_cancelled'), cancelled.size);
  }
});
