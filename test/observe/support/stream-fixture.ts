/** A stream that a test fills by hand: fake connections, a fake clock, and the header maps of a simple exchange. */
import type { LogContext, ObservationNeeds } from '../../../src/api/observe.ts';
import { HeaderList } from '../../../src/codec/header-map.ts';
import { StreamRecord } from '../../../src/observe/stream-info.ts';
import { FakeConnection } from '../../support/fake-connection.ts';
import { FakeDispatcher } from '../../support/fake-dispatcher.ts';

export const ALL_NEEDS: ObservationNeeds = {
  downstreamRead: true,
  upstreamWrite: true,
  upstreamRead: true,
  downstreamWrite: true,
  ledger: true,
};

export class StreamFixture {
  readonly dispatcher = new FakeDispatcher();
  readonly downstream = new FakeConnection('downstream', this.dispatcher);
  readonly upstream = new FakeConnection('upstream', this.dispatcher);
  readonly record: StreamRecord;
  readonly request = HeaderList.request('GET', '/a?b=c', 'example.test:80');
  readonly response = HeaderList.response(200);

  constructor(needs: ObservationNeeds = ALL_NEEDS, filterNames: readonly string[] = ['lua', 'router']) {
    this.record = new StreamRecord({
      kind: 'http',
      dispatcher: this.dispatcher,
      connection: this.downstream,
      needs,
      filterNames,
      startAt: this.dispatcher.clock.now(),
    });
  }

  get now(): number {
    return this.dispatcher.clock.time;
  }

  /** A new read of the connection, beginning now. */
  read(side: 'downstream' | 'upstream', took = 0.012, waited = 0.034): FakeConnection {
    const connection = this[side];
    connection.lastRead.serial += 1;
    connection.lastRead.at = this.now;
    connection.lastRead.took = took;
    connection.lastRead.waited = waited;
    return connection;
  }

  context(more: Partial<LogContext> = {}): LogContext {
    const { record: info, request, response } = this;
    return { info, request, response, trailers: null, logType: 'DownstreamEnd', ...more };
  }
}
