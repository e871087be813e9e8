/** The load of benchmarks: what wrk prints, and what both clients count of a scripted server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { parseWrk, runLoad } from '../../bench/harness/load.ts';
import type { LoadTool } from '../../bench/harness/load.ts';
import { findProgram, freePort } from '../../bench/harness/programs.ts';

const FIGURES =
  'figures requests=60000 us=3000000 bytes=9600000 connect=0 read=0 write=0 status=0 timeout=0 p50=900 p90=1200 p99=2500 p999=4000 max=9000';

describe('what wrk prints', () => {
  it('is counts, seconds and microseconds', () => {
    const printed = `Running 3s test @ http://127.0.0.1:1/\n  1 threads and 64 connections\nRequests/sec:  1.00\n${FIGURES}\n`;
    assert.deepEqual(parseWrk(printed), {
      requests: 60_000,
      failures: 0,
      faults: {},
      requestsPerSecond: 20_000,
      latency: { p50: 900, p90: 1200, p99: 2500, p999: 4000, max: 9000 },
    });
  });

  it('names every kind of failure that occurred, and only those', () => {
    const printed = FIGURES.replace('connect=0', 'connect=3')
      .replace('read=0', 'read=4')
      .replace('write=0', 'write=5')
      .replace('status=0', 'status=6');
    const { failures, faults } = parseWrk(printed);
    assert.equal(failures, 18);
    assert.deepEqual(Object.values(faults), [3, 4, 5, 6]);
    assert.match(Object.keys(faults).join(' '), /connect.*read.*writ.*400/);
  });

  it('of a run without an answer is zero, not a division by zero', () => {
    const printed = FIGURES.replace('requests=60000', 'requests=0').replace('us=3000000', 'us=0');
    assert.equal(parseWrk(printed).requestsPerSecond, 0);
  });

  it('is refused with its own words where the figures are missing', () => {
    assert.throws(() => parseWrk('', 'unable to create thread 0: EMFILE\n'), /unable to create thread 0/);
    assert.throws(() => parseWrk('Running 1s test\n', ''), /no figures: Running 1s test/);
    assert.throws(() => parseWrk('', ''), /nothing at all/);
  });

  it('is refused where a figure is missing or no number', () => {
    assert.throws(() => parseWrk(FIGURES.replace('p99=2500 ', '')), /no p99/);
    assert.throws(() => parseWrk(FIGURES.replace('requests=60000', 'requests=many')), /no requests/);
    assert.throws(() => parseWrk('figures \n'), /no connect/);
  });

  it('cannot be forged by what a server answers: only a line that begins so counts', () => {
    assert.throws(() => parseWrk(`answer: ${FIGURES}`), /no figures/);
  });
});

for (const tool of ['wrk', 'autocannon'] as const) {
  const skip = tool === 'wrk' && findProgram('wrk') === undefined ? 'wrk is not installed' : false;
  describe(`load by ${tool}`, { skip }, () => {
    it('counts the answers, and their time in microseconds', async () => {
      const { load, served } = await against(tool, (request, response) => {
        request.resume();
        response.end('hello');
      });
      assert.equal(load.failures, 0);
      assert.ok(load.requests > 0 && load.requests <= served.length, `${load.requests} of ${served.length}`);
      assert.ok(load.latency.p50 > 0 && load.latency.p50 <= load.latency.p99);
      assert.ok(load.latency.p99 < 5e6, 'seconds were taken for microseconds');
    });

    it('counts refusals as failures', async () => {
      const { load } = await against(tool, (request, response) => {
        request.resume();
        response.writeHead(503).end();
      });
      assert.ok(load.failures > 0);
      assert.ok(Object.keys(load.faults).length > 0);
    });

    it('sends the method, the body and the headers that are asked for', async () => {
      const bodies: number[] = [];
      const { served } = await against(
        tool,
        (request, response) => {
          let bytes = 0;
          request.on('data', (chunk: Buffer) => (bytes += chunk.length));
          request.on('end', () => {
            bodies.push(bytes);
            response.end();
          });
        },
        { method: 'POST', bodyBytes: 10_240, headers: { 'x-asked': 'yes' } },
      );
      assert.ok(served.every((each) => each === 'POST yes'));
      assert.ok(bodies.length > 0 && bodies.every((bytes) => bytes === 10_240));
    });

    it('is an error where nothing listens', async () => {
      const load = { url: `http://127.0.0.1:${await freePort()}/`, connections: 1, seconds: 1, core: 0 };
      if (tool === 'wrk') await assert.rejects(runLoad(load, tool), /unable to connect/);
      else assert.ok((await runLoad(load, tool)).failures > 0);
    });

    it('ends when it is told to', async () => {
      const stop = new AbortController();
      const server = createServer((_request, response) => response.end());
      const port = await portOf(server);
      const load = { url: `http://127.0.0.1:${port}/`, connections: 1, seconds: 60, core: 0 };
      const running = runLoad({ ...load, signal: stop.signal }, tool);
      server.once('request', () => stop.abort());
      await assert.rejects(running, { name: 'AbortError' });
      server.close().closeAllConnections();
    });
  });
}

/** One second against a server of the test. */
async function against(tool: LoadTool, listener: RequestListener, request = {}) {
  const served: string[] = [];
  const server = createServer((incoming, response) => {
    served.push(`${incoming.method} ${String(incoming.headers['x-asked'])}`);
    listener(incoming, response);
  });
  const port = await portOf(server);
  try {
    const load = { url: `http://127.0.0.1:${port}/`, connections: 2, seconds: 1, core: 0, request };
    return { load: await runLoad(load, tool), served };
  } finally {
    server.close().closeAllConnections();
  }
}

async function portOf(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}
