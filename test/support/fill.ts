/** Fills everything between a sender and a receiver that does not read, until the proxy's reads stay off. */
import type { Socket } from 'node:net';
import { patternAt } from './pattern.ts';
import type { RunningProxy } from './proxy.ts';
import { pause } from './raw-client.ts';

const PIECE_BYTES = 49_152;
/** Looks in a row that must find the reads off: a worker that only waits for the processor between off and on has had its turn. */
const QUIET_LOOKS = 10;
const BETWEEN_MS = 10;

/** Reads went off and stay so: paused once more than resumed, the same pause in each look. `flow`: the counters' name before `_paused`. */
export async function untilPaused(
  proxy: RunningProxy,
  flow: string,
  otherwise: () => void = () => undefined,
): Promise<void> {
  let last = 0;
  for (let quiet = 0; quiet < QUIET_LOOKS;) {
    const resumed = await proxy.stat(`${flow}_resumed_reading_total`);
    const paused = await proxy.stat(`${flow}_paused_reading_total`);
    if (paused > resumed) {
      quiet = paused === last ? quiet + 1 : 1;
      last = paused;
      await pause(BETWEEN_MS);
    } else {
      quiet = 0;
      otherwise();
    }
  }
}

/** Sends pieces of the pattern, chunked, until reads stay off. Returns the count of bytes. */
export async function fillUntilPaused(proxy: RunningProxy, socket: Socket, flow: string): Promise<number> {
  let sent = 0;
  await untilPaused(proxy, flow, () => {
    const piece = patternAt(sent, PIECE_BYTES);
    socket.write(`${piece.length.toString(16)}\r\n`);
    socket.write(piece);
    socket.write('\r\n');
    sent += piece.length;
  });
  return sent;
}
