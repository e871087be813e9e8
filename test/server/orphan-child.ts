/** A test run that is killed: starts a proxy, prints its pid, and never ends by itself. */
import { httpProxyTo, startProxy } from '../support/proxy.ts';

const proxy = await startProxy({ concurrency: 1, staticResources: httpProxyTo([9]) });
process.stdout.write(`${proxy.pid} ${proxy.folder}\n`);
