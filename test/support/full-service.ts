/**
 * A service that is slow to accept, in a process of its own that can be stopped: its backlog of one is filled, so the kernel drops the
 * SYN of whoever comes next and that peer's own kernel tries again a second later (RFC 6298: the first retransmission time-out).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { pause } from './raw-client.ts';

const SERVICE = `
  const server = require('node:http').createServer((request, response) => response.end('hello\\n'));
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => console.log(server.address().port));
  process.stdin.on('end', () => process.exit()).resume();
`;
/** The kernel lets one more wait than the backlog says; a few more would hang in their own SYN. */
const FILLERS = 2;

export interface FullService {
  readonly port: number;
  /** From now on nobody is accepted, and there is no room to wait. */
  fill(): Promise<void>;
  /** Accepts again. */
  go(): void;
  stop(): Promise<void>;
}

export async function startFullService(): Promise<FullService> {
  const child = spawn(process.execPath, ['-e', SERVICE], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(text.toString());
  const fillers: Socket[] = [];
  return {
    port,
    fill: async () => {
      child.kill('SIGSTOP');
      for (let count = 0; count < FILLERS; count += 1) {
        const filler = connect(port, '127.0.0.1');
        filler.on('error', () => undefined);
        fillers.push(filler);
        await once(filler, 'connect');
      }
      // The signal has arrived long ago: the fillers are in the backlog, not accepted.
      await pause(10);
    },
    go: () => void child.kill('SIGCONT'),
    stop: async () => {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
