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
  otherwise: () => Promise<void> = () => Promise.resolve(),
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
      await otherwise();
    }
  }
}

/**
 * Sends pieces of the pattern, chunked, until reads stay off. Returns the count of bytes. A piece follows when the proxy has read the
 * one before: what lies unread behind the pause is little, and a log line that keeps the last fragments shows the pause.
 */
export async function fillUntilPaused(proxy: RunningProxy, socket: Socket, flow: string): Promise<number> {
  const received = flow.replace(/flow_control$/, 'cx_rx_bytes_total');
  let sent = 0;
  let expected = await proxy.stat(received);
  await untilPaused(proxy, flow, async () => {
    if ((await proxy.stat(received)) < expected) return;
    const piece = patternAt(sent, PIECE_BYTES);
    const head = `${piece.length.toString(16)}\r\n`;
    socket.write(head);
    socket.write(piece);
    socket.write('\r\n');
    sent += piece.length;
    expected += head.length + piece.length + 2;
  });
  return sent;
}
