/** The part of autocannon 9 that is used here; the package has no types of its own. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  interface Options {
    readonly url: string;
    readonly connections: number;
    /** Seconds; `amount` of requests instead where given. */
    readonly duration?: number;
    readonly amount?: number;
    readonly pipelining?: number;
    /** Milliseconds between its samples, and between its looks whether the duration is over; 1000. */
    readonly sampleInt?: number;
    /** Requests per second of all connections together; each connection still waits for its answer. */
    readonly overallRate?: number;
    /** Seconds without an answer. */
    readonly timeout?: number;
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Buffer;
    /** Requests after which a connection is closed and opened anew. */
    readonly reconnectRate?: number;
    /** For each connection, before it is opened. */
    readonly setupClient?: (client: AutocannonConnection) => void;
  }

  /** Insides of its client, as they are in version 9: what `autocannon-process.ts` mends. */
  interface AutocannonConnection {
    readonly pipelinedRequests: {
      terminateRequest(): {
        readonly headers: { readonly statusCode: number };
        readonly bytes: number;
        readonly duration: number;
      };
    };
    _resetConnection(this: AutocannonConnection): void;
    emit(event: 'response', status: number, bytes: number, ms: number): void;
  }

  interface Result {
    readonly start: Date;
    readonly finish: Date;
    readonly errors: number;
    readonly timeouts: number;
    readonly resets: number;
    readonly non2xx: number;
    readonly '2xx': number;
    readonly requests: { readonly total: number; readonly sent: number; readonly average: number };
    readonly throughput: { readonly total: number };
  }

  /** Emits `response` (client, status, bytes, milliseconds as a fraction) and `done` (result). */
  type Instance = EventEmitter & { stop(): void };

  export default function autocannon(
    options: Options,
    done: (error: Error | null, result: Result) => void,
  ): Instance;
}
