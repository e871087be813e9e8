/** What a stream asks of the connection that it lives on. */
import type { Dispatcher } from '../api/event.ts';
import type { Connection } from '../api/network.ts';
import type { StreamCore } from './stream-core.ts';
import type { HttpConfiguration } from './http-configuration.ts';
import type { StreamTimers } from './stream-timers.ts';

export interface StreamOwner {
  readonly config: HttpConfiguration;
  readonly connection: Connection;
  readonly dispatcher: Dispatcher;
  readonly protocol: string;
  /** When the read that is being dispatched began; now, for bytes that lay in the proxy. */
  readonly eventAt: number;
  /** The connection ends behind the current exchange, whatever this one says. */
  readonly lastExchange: boolean;
  /** The codec cannot keep the connection behind the current response. */
  readonly codecCloses: boolean;
  /** Which side closed the connection; '' while it is open. */
  readonly closedBy: '' | 'remote' | 'local';
  /** ms that the bytes of this event lay in the kernel; told once per read. */
  takeLate(): number;
  borrowTimers(): StreamTimers;
  returnTimers(timers: StreamTimers): void;
  /** No further request is taken; the connection is closed when what was written has gone. */
  closeAfterExchange(): void;
  onStreamOver(stream: StreamCore): void;
}
