/** The servers of the labs, for tests: `src/server/demo-service.ts` (HTTP) and `src/server/demo-raw.ts` (bytes). */
export { startDemoService } from '../../src/server/demo-service.ts';
export type { DemoService, DemoServiceOptions } from '../../src/server/demo-service.ts';
export { startRawService } from '../../src/server/demo-raw.ts';
export type { RawExchange, RawService } from '../../src/server/demo-raw.ts';
