/**
 * `envoy.filters.network.echo`: writes back what it reads. The smallest terminal filter there is; read it first.
 *
 * Flow control is the connection's own: when the peer does not take its bytes back, the write buffer fills, and its high
 * watermark switches off the reads of the same connection.
 */
import type { ByteQueue } from '../../api/bytes.ts';
import type {
  Connection,
  ConnectionCallbacks,
  ConnectionEvent,
  FilterStatus,
  NetworkFilterFactory,
  ReadFilter,
  ReadFilterCallbacks,
} from '../../api/network.ts';

class EchoFilter implements ReadFilter, ConnectionCallbacks {
  #connection: Connection | null = null;

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    this.#connection = callbacks.connection;
    callbacks.connection.enableHalfClose(true);
    callbacks.connection.addCallbacks(this);
  }

  onNewConnection(): FilterStatus {
    return 'continue';
  }

  onData(data: ByteQueue, endStream: boolean): FilterStatus {
    for (let index = 0; index < data.count; index += 1) this.#connection?.write(data.at(index), false);
    data.drain(data.length);
    if (endStream) this.#connection?.endWrite();
    return 'stop';
  }

  onEvent(_event: ConnectionEvent): void {
    // The connection keeps itself; there is nothing to release.
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#connection?.readDisable(true);
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#connection?.readDisable(false);
  }
}

export const echoFactory: NetworkFilterFactory = {
  typeUrl: 'envoy.extensions.filters.network.echo.v3.Echo',
  terminal: true,
  prepare: () => () => new EchoFilter(),
};
