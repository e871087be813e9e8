/** All labs, in the order of the course (`labs/README.md`). */
import type { Lab } from './lab.ts';
import { BUSY_LOOP } from './labs/busy-loop.ts';
import { COLD_POOL } from './labs/cold-pool.ts';
import { CONNECTION_CHURN } from './labs/connection-churn.ts';
import { DUPLICATE_CHUNKED } from './labs/duplicate-chunked.ts';
import { FLOW_CONTROL_DOWNLOAD } from './labs/flow-control-download.ts';
import { FLOW_CONTROL_UPLOAD } from './labs/flow-control-upload.ts';
import { FRAGMENTED_UPLOAD } from './labs/fragmented-upload.ts';
import { GATEWAY_UPLOAD } from './labs/gateway-upload.ts';
import { HEADER_BODY_GAP } from './labs/header-body-gap.ts';
import { HEADER_CASE } from './labs/header-case.ts';
import { IDLE_CLOSE_RACE } from './labs/idle-close-race.ts';
import { IDLE_CLOSE_RETRY } from './labs/idle-close-retry.ts';
import { KERNEL_BACKLOG } from './labs/kernel-backlog.ts';
import { LARGE_HEADER } from './labs/large-header.ts';
import { OLD_HTTP_CLIENT } from './labs/old-http-client.ts';
import { PAYLOAD_TOO_LARGE } from './labs/payload-too-large.ts';
import { PORT_SCAN } from './labs/port-scan.ts';
import { SLOW_FILTER } from './labs/slow-filter.ts';
import { SLOW_UPSTREAM } from './labs/slow-upstream.ts';
import { THREAD_IMBALANCE } from './labs/thread-imbalance.ts';

export const LABS: readonly Lab[] = [
  THREAD_IMBALANCE,
  BUSY_LOOP,
  KERNEL_BACKLOG,
  GATEWAY_UPLOAD,
  SLOW_FILTER,
  SLOW_UPSTREAM,
  HEADER_BODY_GAP,
  FRAGMENTED_UPLOAD,
  FLOW_CONTROL_DOWNLOAD,
  FLOW_CONTROL_UPLOAD,
  COLD_POOL,
  CONNECTION_CHURN,
  IDLE_CLOSE_RACE,
  IDLE_CLOSE_RETRY,
  PAYLOAD_TOO_LARGE,
  LARGE_HEADER,
  PORT_SCAN,
  OLD_HTTP_CLIENT,
  HEADER_CASE,
  DUPLICATE_CHUNKED,
];
