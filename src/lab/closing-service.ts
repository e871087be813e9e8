/**
 * A service that ends connections which were idle for too long, at the worst moment: when the next request is already on its way. Node's
 * own server (5 s) and many others do this now and then; this one does it every time.
 */
import type { Socket } from 'node:net';
import { SystemClock } from '../base/clock.ts';
import { startRawService } from '../server/demo-raw.ts';
import type { Service } from './lab.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n';

export function startClosingService(keepAliveMs: number): Promise<Service> {
  const clock = new SystemClock();
  const usedAt = new WeakMap<Socket, number>();
  return startRawService(({ socket }) => {
    const now = clock.now();
    const idleMs = now - (usedAt.get(socket) ?? now);
    usedAt.set(socket, now);
    // The kernel's answer to bytes for a socket that its program has closed.
    if (idleMs > keepAliveMs) socket.resetAndDestroy();
    else socket.write(ANSWER);
  });
}
