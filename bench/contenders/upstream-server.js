/** The upstream where nginx is not installed: port in the first argument. Plain JavaScript, it starts in no time. */
import { createServer } from 'node:http';

const SMALL = Buffer.from('hello world\n');
const LARGE = Buffer.alloc(1024 * 1024, 0x61);

process.once('SIGTERM', () => process.exit(0));
createServer((request, response) => {
  request.resume();
  const body = request.url === '/1m' ? LARGE : SMALL;
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length });
  response.end(body);
}).listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 16_384 });
