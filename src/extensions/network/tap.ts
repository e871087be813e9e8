/**
 * `nodeproxy.extensions.filters.network.tap`: writes what passes an upstream connection to a file, as it is on the wire.
 *
 *   {"time":"…","connection":7,"event":"read","bytes":143,"data":"<base64>"}    or "write"; "read-end" and "write-end" for a half-close
 *
 * It changes nothing and keeps nothing: the lines go to the file's thread, which drops and counts what the file does not take.
 */
import type { ByteQueue } from '../../api/bytes.ts';
import type {
  Connection,
  FilterStatus,
  ReadFilter,
  ReadFilterCallbacks,
  UpstreamFilterFactory,
  WriteFilter,
} from '../../api/network.ts';
import type { LineSink } from '../../api/observe.ts';
import type { TapConfig } from '../../api/envoy.ts';

/** Bytes of one line: whole lines must fit well into a batch of the file's thread. */
const PIECE_BYTES = 16 * 1024;

class TapFilter implements ReadFilter, WriteFilter {
  readonly #sink: LineSink;
  #connection: Connection | null = null;
  /** Bytes that came and are written down: what a filter left in the buffer is shown again. */
  #seen = 0;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  initializeReadFilterCallbacks({ connection }: ReadFilterCallbacks): void {
    this.#connection = connection;
    connection.addWriteFilter(this);
  }

  onNewConnection(): FilterStatus {
    return 'continue';
  }

  onData(data: ByteQueue, endStream: boolean): FilterStatus {
    const received = this.#connection?.bytesReceived ?? 0;
    this.#note('read', data, Math.max(0, data.length - (received - this.#seen)), endStream);
    this.#seen = received;
    return 'continue';
  }

  onWrite(data: ByteQueue, endStream: boolean): FilterStatus {
    this.#note('write', data, 0, endStream);
    return 'continue';
  }

  /** `from`: bytes at the front that were noted before. */
  #note(event: 'read' | 'write', data: ByteQueue, from: number, endStream: boolean): void {
    let known = from;
    for (let index = 0; index < data.count; index += 1) {
      const { block, start, end } = data.at(index);
      const skip = Math.min(known, end - start);
      known -= skip;
      for (let at = start + skip; at < end; at += PIECE_BYTES)
        this.#line(event, block.buffer.subarray(at, Math.min(end, at + PIECE_BYTES)));
    }
    if (endStream) this.#line(`${event}-end`, null);
  }

  #line(event: string, bytes: Buffer | null): void {
    const connection = this.#connection;
    if (connection === null) return;
    const { clock } = connection.dispatcher;
    const time = new Date(clock.wallOffset() + clock.now()).toISOString();
    const content = bytes === null ? '' : `,"bytes":${bytes.length},"data":"${bytes.toString('base64')}"`;
    this.#sink.write(`{"time":"${time}","connection":${connection.id},"event":"${event}"${content}}\n`);
  }
}

export const tapFactory: UpstreamFilterFactory = {
  typeUrl: 'nodeproxy.extensions.filters.network.tap.v1.Tap',
  prepare: (config, { openLog }) => {
    const sink = openLog((config as TapConfig).path ?? '');
    return () => new TapFilter(sink);
  },
};
