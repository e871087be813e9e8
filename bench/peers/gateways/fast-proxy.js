/** A gateway as its users write it: `fast-proxy` behind `node:http`, with its own agent (at most 2,048 connections). */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import fastProxy from 'fast-proxy';
import { accessLine, LineFile } from './line-file.js';
import { forwardedFor, LISTEN, log, upstream } from './set-up.js';

const lines = await LineFile.open(log);
const gateway = fastProxy({ base: `http://${upstream}` });
createServer((request, response) => {
  const startedAt = performance.now();
  request.headers['x-request-id'] = randomUUID();
  request.headers['x-forwarded-for'] = forwardedFor(request);
  response.once('close', () => lines.add(accessLine(request, response, startedAt, upstream)));
  gateway.proxy(request, response, request.url, {});
}).listen(LISTEN);
