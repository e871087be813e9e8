/** The demo service in a process of its own, at the address and port of its arguments. It ends with its standard input. */
import { startDemoService } from '../../src/server/demo-service.ts';

const [address = '127.0.0.1', port = '0'] = process.argv.slice(2);
await startDemoService('demo', { host: address, port: Number(port) });
process.stdin.resume().once('end', () => process.exit());
