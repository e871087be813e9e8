/**
 * The talk's duplicate `Transfer-Encoding`: a framework and the application on it both set the header, and the response says `chunked`
 * twice. Whoever reads it leniently may see other borders of messages than the next one, so the proxy refuses it.
 */
import { startRawService } from '../../server/demo-raw.ts';
import type { Lab, LabRun, Service, Variant } from '../lab.ts';
import { get } from '../lab-client.ts';
import { NOTHING_IS_SLOW_MS } from '../diagnosis.ts';

const CHUNKED = 'transfer-encoding: chunked\r\n';
const BODY = '6\r\nhello\n\r\n0\r\n\r\n';
const EACH = 10;

export const DUPLICATE_CHUNKED: Lab = {
  name: 'duplicate-chunked',
  part: 'compatibility',
  summary: 'responses that say `transfer-encoding: chunked` twice become 502 UPE',
  pitfall: true,
  steps: [
    `one after the other, ${EACH} requests for the page that two layers of the service write, and ${EACH} for another`,
  ],
  behaviour: {
    broken: 'the answer to `/report` has the header twice',
    fixed: 'the answer to `/report` has the header once',
  },
  concurrency: 1,
  config: () => ({}),
  startService,
  rounds: EACH,
  traffic,
  slowMs: NOTHING_IS_SLOW_MS,
  expects: { cause: 'failures', subject: 'UPE' },
  lines: [/"GET \/report /, /"GET \/ /],
  lookAt:
    '`502 UPE`: an upstream is named, and it broke the protocol; the details behind the flag say how. The third group has the bytes of ' +
    'its head, and no request after it uses that connection',
  seen: {
    broken: 'each `/report` is 502, and costs a connection to the service; everything else gets through',
    fixed: 'all are answered 200 on the same few connections',
  },
  fix:
    'Have the service set the header once, or not at all: its server does. Not to be tolerated: two readers that disagree about the end ' +
    'of a message can be made to mix up whose answer is whose.',
};

function startService(variant: Variant): Promise<Service> {
  return startRawService(({ socket, head }) => {
    const twice = variant === 'broken' && head.startsWith('GET /report ');
    socket.write(`HTTP/1.1 200 OK\r\n${CHUNKED}${twice ? CHUNKED : ''}\r\n${BODY}`);
  });
}

async function traffic(run: LabRun): Promise<void> {
  for (const path of ['/report', '/']) {
    const client = await run.client();
    await client.ask(get(path));
    client.close();
  }
}
