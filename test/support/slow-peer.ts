/**
 * A peer that reads as slowly as a test wants: nothing, portions of 1 KiB, or, when it is told, everything. Wraps either end of a
 * connection before anything was read from it; what it reads goes to `onBytes`.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

const PORTION_BYTES = 1024;

export class SlowPeer {
  readonly socket: Socket;
  readonly #onBytes: (bytes: Buffer) => void;

  constructor(socket: Socket, onBytes: (bytes: Buffer) => void) {
    this.socket = socket;
    this.#onBytes = onBytes;
    // Node reads ahead up to its own mark (64 KiB) and then leaves the rest to the kernel.
    socket.pause();
    socket.on('error', () => undefined);
  }

  static async connect(port: number, onBytes: (bytes: Buffer) => void): Promise<SlowPeer> {
    const peer = new SlowPeer(
      connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true }),
      onBytes,
    );
    await once(peer.socket, 'connect');
    return peer;
  }

  /** One portion more: 1 KiB, or what there is. Asking for more than there is would make Node announce it without end. */
  async read(): Promise<void> {
    while (this.socket.readableLength === 0) await once(this.socket, 'readable');
    this.#onBytes(this.socket.read(Math.min(PORTION_BYTES, this.socket.readableLength)) as Buffer);
  }

  /** From now on as fast as it can. */
  drain(): void {
    this.socket.on('data', (bytes: Buffer) => this.#onBytes(bytes));
    this.socket.resume();
  }
}
