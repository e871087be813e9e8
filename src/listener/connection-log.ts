/**
 * The access log of a listener: one line for each of its connections when it has ended, and for each that no filter chain took
 * (`NR`, `filter_chain_not_found`). What requests did on a connection stands in the logs of its filters, not here.
 */
import type { Connection } from '../api/network.ts';
import type { AccessLogs } from '../api/observe.ts';
import type { AcceptedSocket } from '../api/socket.ts';
import type { TurnDispatcher } from '../event/turn-dispatcher.ts';
import { NO_NEEDS } from '../observe/format/operator.ts';
import { StreamRecord, type StreamSource } from '../observe/stream-info.ts';

export class ConnectionLog {
  readonly #logs: AccessLogs;
  readonly #dispatcher: TurnDispatcher;

  constructor(logs: AccessLogs, dispatcher: TurnDispatcher) {
    this.#logs = logs;
    this.#dispatcher = dispatcher;
  }

  /** It is closed. Written at the end of the turn. */
  ended(connection: Connection, filterChainName: string): void {
    const { bytesReceived, bytesSent, closeReason } = connection;
    const record = this.#record(connection);
    record.filterChainName = filterChainName;
    record.connectionTerminationDetails = closeReason;
    record.bytesReceived = record.downstreamWireBytesReceived = bytesReceived;
    record.bytesSent = record.downstreamWireBytesSent = bytesSent;
    record.close(this.#dispatcher.clock.now());
    this.#dispatcher.deferredDelete({ dispose: () => this.#write(record) });
  }

  refused({ localAddress, remoteAddress, acceptedAt }: AcceptedSocket): void {
    const record = this.#record({
      id: 0,
      secure: false,
      localAddress,
      remoteAddress,
      createdAt: acceptedAt,
      handshakeAt: -1,
    });
    record.setFlag('NR');
    record.responseCodeDetails = 'filter_chain_not_found';
    record.close(this.#dispatcher.clock.now());
    this.#write(record);
  }

  #record(connection: StreamSource): StreamRecord {
    const dispatcher = this.#dispatcher;
    const startAt = connection.createdAt;
    return new StreamRecord({ kind: 'tcp', dispatcher, connection, needs: NO_NEEDS, startAt });
  }

  #write(info: StreamRecord): void {
    this.#logs.log({ info, request: null, response: null, trailers: null, logType: '' });
  }
}
