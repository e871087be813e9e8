/**
 * Everything that the connections of one filter chain share on one worker: settings, filters, routes, statistics, logs and the
 * makers of what each connection and stream needs. Made once by `extensions/network/http-connection-manager.ts`.
 */
import type { RouteTable, ServerCodec, ServerCodecCallbacks } from '../api/http.ts';
import type { Connection, DrainDecision } from '../api/network.ts';
import type { AccessLogs, StreamInfo } from '../api/observe.ts';
import type { BlockSource } from '../buffer/chunk-queue.ts';
import type { FilterPlanSlot } from './filter-plan.ts';
import type { HttpDate } from './http-date.ts';
import type { HttpStats } from './http-stats.ts';
import type { LocalReplyRewrite } from './local-reply.ts';
import type { RequestIds } from './request-id.ts';
import type { HttpSettings } from './settings.ts';

/** The record of a stream as its maker gives it: it is closed here, once, and then read by statistics and logs. */
export interface StreamRecordOwner extends StreamInfo {
  /** Fixes the end, the turn and the ledger. */
  close(at: number): void;
}

/** The route table of now; null: there is none, every request is answered 404. */
export interface RouteTableSlot {
  readonly current: RouteTable | null;
}

export interface HttpConfiguration {
  readonly settings: HttpSettings;
  readonly stats: HttpStats;
  readonly filters: FilterPlanSlot;
  readonly routes: RouteTableSlot;
  readonly accessLogs: AccessLogs;
  /** Null: the proxy's own answers go out as they are made. */
  readonly localReplies: LocalReplyRewrite | null;
  readonly drain: DrainDecision;
  readonly date: HttpDate;
  readonly requestIds: RequestIds;
  readonly blocks: BlockSource;
  readonly bufferLimitBytes: number;
  readonly listenerPort: number;
  readonly filterChainName: string;
  createCodec(connection: Connection, callbacks: ServerCodecCallbacks): ServerCodec;
  /** The record of a stream that began at `startAt`, ms monotonic. */
  createInfo(connection: Connection, startAt: number): StreamRecordOwner;
}
