/** A gateway as its users write it: `http-proxy-3` behind `node:http`, with an agent that keeps its upstream connections. */
import { randomUUID } from 'node:crypto';
import { Agent, createServer } from 'node:http';
import { createProxyServer } from 'http-proxy-3';
import { accessLine, LineFile } from './line-file.js';
import { LISTEN, log, POOL, upstream } from './set-up.js';

const lines = await LineFile.open(log);
const agent = new Agent({ keepAlive: true, maxFreeSockets: POOL });
const proxy = createProxyServer({ target: `http://${upstream}`, agent, xfwd: true });
proxy.on('error', (_error, _request, response) => {
  if (!response.headersSent) response.writeHead(502);
  response.end();
});
createServer((request, response) => {
  const startedAt = performance.now();
  request.headers['x-request-id'] = randomUUID();
  response.once('close', () => lines.add(accessLine(request, response, startedAt, upstream)));
  proxy.web(request, response);
}).listen(LISTEN);
