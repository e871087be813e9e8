/**
 * A pod's application: the demo service on HOST:PORT under its NAME, until SIGTERM. It is also the mark by which the client knows the
 * profile `direct`, which has nothing else that the others have not.
 */
import { startDemoService } from '../src/server/demo-service.ts';
import { untilTold } from './until-told.ts';

const { NAME = 'service', HOST = '0.0.0.0', PORT = '8080' } = process.env;

const service = await startDemoService(NAME, { host: HOST, port: Number(PORT) });
console.log(`${NAME} serves on ${HOST}:${service.port}`);
await untilTold();
await service.stop();
