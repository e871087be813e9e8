/** The talk's third case: head and body of the answer are apart, because the service sends the head before it has the body. */
import { startDemoService } from '../../server/demo-service.ts';
import type { Lab, LabRun } from '../lab.ts';
import { get } from '../lab-client.ts';

/** The talk has 19 ms; three times that is still clear of a busy machine's noise. */
const GAP_MS = 60;
const CLIENTS = 4;

export const HEADER_BODY_GAP: Lab = {
  name: 'header-body-gap',
  part: 'HTTP flow',
  summary: 'a service sends the head of its answer at once and the body 60 ms later',
  pitfall: false,
  steps: [`${CLIENTS} clients ask one after the other for an answer of 1001 bytes, six times each`],
  behaviour: {
    broken: `the service writes the head, and the body ${GAP_MS} ms later`,
    fixed: 'the service writes both together',
  },
  concurrency: 1,
  config: () => ({}),
  startService: () => startDemoService('service'),
  rounds: 6,
  traffic,
  expects: { cause: 'head-body-gap' },
  lines: [/"GET \//],
  lookAt:
    'the third group: `…]H-[…]D,E` are two reads, their stamps are the gap; of the six numbers the fourth is small (the head came at ' +
    'once) and the fifth is the gap; `body` in the ledger',
  seen: {
    broken:
      'the upstream service time (1 to 2 ms) says that the service is fast, the total says 60 ms: the body was late, not the head',
    fixed: 'one bracket with H,D,E: head and body in one read',
  },
  fix:
    'Change the service: build the body before sending the head, or do not flush the head by itself. No setting of the proxy ' +
    'brings the body earlier.',
};

async function traffic(run: LabRun): Promise<void> {
  const path = run.variant === 'fixed' ? '/large?length=1000' : `/split?delay=${GAP_MS}`;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await run.client();
      await client.ask(get(path));
      client.close();
    }),
  );
}
