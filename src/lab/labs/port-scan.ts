/**
 * The talk's scanner: a security scanner knocks at every port from 1024 to 65535 of every pod, and a sidecar that takes whatever comes
 * in makes a connection, a request, an error, a log line and counters of each knock. The talk's remedy is to intercept only the ports
 * that an application declares; a listener can as well say from whom it takes connections.
 */
import { startDemoService } from '../../server/demo-service.ts';
import type { Lab, LabRun } from '../lab.ts';
import { get } from '../lab-client.ts';
import { NOTHING_IS_SLOW_MS } from '../diagnosis.ts';

const SCANNER = '127.0.0.66';
/** The beginning of a TLS handshake, of SMB, of RTSP, and a word. */
const KNOCKS = [
  Buffer.from('160301000401000000', 'hex'),
  Buffer.from('000000a4ff534d4272000000', 'hex'),
  'OPTIONS / RTSP/1.0\r\n\r\n',
  'HELP\r\n\r\n',
];
const ROUNDS = 5;

const ONLY_OURS = `filter_chain_match:
  source_prefix_ranges: [{ address_prefix: 127.0.0.1, prefix_len: 32 }]`;

export const PORT_SCAN: Lab = {
  name: 'port-scan',
  part: 'limits',
  summary: 'a scanner’s knocks on the port become requests, errors, lines and counters',
  pitfall: true,
  steps: [
    `${ROUNDS} times ${KNOCKS.length} knocks from ${SCANNER}, each on a connection of its own: TLS, SMB, RTSP, a word`,
    `after each knock a request of a real client from 127.0.0.1`,
  ],
  concurrency: 1,
  config: (variant) => (variant === 'broken' ? {} : { chain: ONLY_OURS }),
  startService: () => startDemoService('service'),
  rounds: ROUNDS,
  traffic,
  slowMs: NOTHING_IS_SLOW_MS,
  expects: { cause: 'failures', subject: 'DPE' },
  lines: [/ 400 DPE /, /"GET \/ HTTP\/1\.1" 200/],
  lookAt: `\`400 DPE http1.codec_error\`, no method and no upstream, from ${SCANNER}: what came is no HTTP, and the proxy answered it`,
  seen: {
    broken: 'each knock has its line with 400 DPE, and counts as a request and a 4xx of this listener',
    fixed:
      'the knocks have no line: their connections are closed when they are accepted, `listener.…no_filter_chain_match` counts them; the real client notices nothing',
  },
  fix:
    'Let a listener take only what is meant for it: `filter_chain_match` with the sources or ports that are its own, and no ' +
    '`default_filter_chain`. Better still not to bring it there: intercept only the ports that the application declares.',
};

async function traffic(run: LabRun): Promise<void> {
  const real = await run.client();
  for (const knock of KNOCKS) {
    const scanner = await run.client(SCANNER);
    await scanner.ask(knock);
    scanner.close();
    await real.ask(get('/'));
  }
  real.close();
}
