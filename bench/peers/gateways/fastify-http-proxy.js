/** A gateway as its users write it: `@fastify/http-proxy` in Fastify, over undici, without Fastify's own logger. */
import { randomUUID } from 'node:crypto';
import httpProxy from '@fastify/http-proxy';
import fastify from 'fastify';
import { accessLine, LineFile } from './line-file.js';
import { forwardedFor, LISTEN, log, POOL, upstream } from './set-up.js';

const lines = await LineFile.open(log);
const server = fastify({ logger: false });
server.addHook('onRequest', (request, reply, done) => {
  const { raw } = request;
  const startedAt = performance.now();
  raw.headers['x-request-id'] = randomUUID();
  raw.headers['x-forwarded-for'] = forwardedFor(raw);
  reply.raw.once('close', () => lines.add(accessLine(raw, reply.raw, startedAt, upstream)));
  done();
});
await server.register(httpProxy, {
  upstream: `http://${upstream}`,
  disableRequestLogging: true,
  // One request at a time on a connection, as everyone else does it; its default of 128 would make the largest cases queue.
  undici: { connections: POOL, pipelining: 1 },
});
await server.listen(LISTEN);
