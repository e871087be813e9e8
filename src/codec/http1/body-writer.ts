/**
 * The body of one outgoing message, framed as its head announced.
 *
 * Invariant: what goes out never contradicts the head. A body longer than its Content-Length is cut there, a shorter one leaves
 * `broken` set: either way the connection must end with the message, or the peer would read the next one at the wrong place.
 */
import type { Bytes } from '../../api/bytes.ts';
import type { Connection } from '../../api/network.ts';
import { slice } from '../../buffer/bytes.ts';
import type { HeaderList } from '../header-map.ts';
import { appendFields } from './head-text.ts';
import type { HeaderKeyFormat } from './settings.ts';

/** `none`: body bytes are dropped (HEAD, 204, 304). `raw`: as they are, ended by the connection. `tunnel`: the same, FIN at the end. */
export type BodyFraming = 'none' | 'sized' | 'chunked' | 'raw' | 'tunnel';

export class BodyWriter {
  framing: BodyFraming = 'none';
  /** Announced bytes that have not been written. */
  remaining = 0;
  broken = false;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  write(bytes: Bytes, end: boolean): void {
    const size = bytes.end - bytes.start;
    switch (this.framing) {
      case 'none':
        return;
      case 'sized':
        this.#writeSized(bytes, size);
        if (end) this.finish();
        return;
      case 'chunked':
        if (size > 0) {
          this.#connection.writeText(`${size.toString(16)}\r\n`);
          this.#connection.write(bytes, false);
          this.#connection.writeText(end ? '\r\n0\r\n\r\n' : '\r\n');
        } else if (end) this.#connection.writeText('0\r\n\r\n');
        return;
      case 'raw':
        if (size > 0) this.#connection.write(bytes, false);
        return;
      case 'tunnel':
        if (size > 0) this.#connection.write(bytes, end);
        else if (end) this.#connection.endWrite();
    }
  }

  /** The message ends without (more) body. */
  finish(): void {
    if (this.framing === 'sized') this.broken ||= this.remaining > 0;
    else if (this.framing === 'chunked') this.#connection.writeText('0\r\n\r\n');
    else if (this.framing === 'tunnel') this.#connection.endWrite();
  }

  /** Ends the message with trailers, where its framing has a place for them; null or elsewhere: without. */
  finishWith(trailers: HeaderList | null, format: HeaderKeyFormat): void {
    if (trailers === null || this.framing !== 'chunked') {
      this.finish();
      return;
    }
    this.#connection.writeText(`${appendFields('0', trailers, format, false)}\r\n\r\n`);
  }

  #writeSized(bytes: Bytes, size: number): void {
    const fits = Math.min(size, this.remaining);
    this.remaining -= fits;
    if (fits < size) this.broken = true;
    if (fits === size) {
      if (size > 0) this.#connection.write(bytes, false);
    } else if (fits > 0) this.#connection.write(slice(bytes, 0, fits), false);
  }
}
