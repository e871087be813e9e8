/**
 * `upstream_log` of the router: one line for each attempt, written when it has ended, with its own outcome. Of a request that was
 * retried they tell what the line of the request cannot: which host answered what, and how long each of them took.
 *
 * Its record is the attempt's: times count from the attempt's begin, bytes received are the response's body, flags are its own. What is
 * recorded only for logs that print it (groups of reads and writes, the ledger) stands in the request's line alone.
 */
import type { Dispatcher } from '../api/event.ts';
import type { DecoderFilterCallbacks, HeaderMap } from '../api/http.ts';
import type { AccessLogs, ResponseFlag } from '../api/observe.ts';
import { NO_NEEDS } from '../observe/format/operator.ts';
import { StreamRecord } from '../observe/stream-info.ts';

export class AttemptLog {
  status = 0;
  flag: ResponseFlag | null = null;
  bodyBytesSent = 0;
  bodyBytesReceived = 0;
  response: HeaderMap | null = null;
  trailers: HeaderMap | null = null;
  readonly #logs: AccessLogs;
  readonly #dispatcher: Dispatcher;
  readonly #callbacks: DecoderFilterCallbacks;
  readonly #request: HeaderMap;
  readonly #startAt: number;

  constructor(
    logs: AccessLogs,
    dispatcher: Dispatcher,
    callbacks: DecoderFilterCallbacks,
    request: HeaderMap,
  ) {
    this.#logs = logs;
    this.#dispatcher = dispatcher;
    this.#callbacks = callbacks;
    this.#request = request;
    this.#startAt = dispatcher.clock.now();
  }

  /** The attempt is over. */
  write(): void {
    const info = this.#record();
    const { response, trailers } = this;
    this.#logs.log({ info, request: this.#request, response, trailers, logType: 'UpstreamEnd' });
  }

  #record(): StreamRecord {
    const { info, connection } = this.#callbacks;
    const dispatcher = this.#dispatcher;
    const startAt = this.#startAt;
    const record = new StreamRecord({ kind: 'http', dispatcher, connection, needs: NO_NEEDS, startAt });
    record.downstreamRemoteAddress = info.downstreamRemoteAddress;
    record.protocol = info.upstream.protocol;
    record.upstream = info.upstream;
    record.routeName = info.routeName;
    record.virtualHostName = info.virtualHostName;
    record.clusterName = info.clusterName;
    record.attemptCount = info.attemptCount;
    record.responseCode = this.status;
    record.bytesReceived = this.bodyBytesReceived;
    record.bytesSent = this.bodyBytesSent;
    if (this.flag !== null) record.setFlag(this.flag);
    record.close(dispatcher.clock.now());
    return record;
  }
}
