/**
 * Answers that the router gives itself, each with its code, body, flag, details and counters (Envoy's table of local replies).
 *
 * All end the request: the caller has let go of everything before it calls one of these, because the connection manager may
 * destroy the filter inside.
 */
import type { DecoderFilterCallbacks, HeaderMap, ResetReason } from '../api/http.ts';
import type { ResponseFlag } from '../api/observe.ts';
import type { ClusterStats } from './cluster-stats.ts';
import { mutateResponse } from './request-headers.ts';
import { bodyOf, detailsOf, flagOf, statusOf } from './reset-reply.ts';
import type { TimerKind } from './timer-cache.ts';
import type { DirectResponseRoute, RedirectRoute } from './route.ts';
import type { RouterConfig } from './router-config.ts';

export function answerNoRoute(callbacks: DecoderFilterCallbacks, config: RouterConfig): void {
  config.stats.noRoute.inc();
  callbacks.info.setFlag('NR');
  callbacks.sendLocalReply(404, '', 'route_not_found');
}

export function answerNoCluster(
  callbacks: DecoderFilterCallbacks,
  config: RouterConfig,
  status: number,
): void {
  config.stats.noCluster.inc();
  callbacks.info.setFlag('NC');
  callbacks.sendLocalReply(status, '', 'cluster_not_found');
}

export function answerFromRoute(
  callbacks: DecoderFilterCallbacks,
  config: RouterConfig,
  route: RedirectRoute | DirectResponseRoute,
  request: HeaderMap,
): void {
  const { info } = callbacks;
  const finish = (response: HeaderMap): void =>
    mutateResponse(response, request, route.responseMutations, info);
  if (route.kind === 'direct-response') {
    config.stats.rqDirectResponse.inc();
    callbacks.sendLocalReply(route.status, route.body, 'direct_response', finish);
    return;
  }
  config.stats.rqRedirect.inc();
  const location = route.location(request);
  callbacks.sendLocalReply(route.status, '', 'direct_response', (response) => {
    response.set('location', location);
    finish(response);
  });
}

export function answerMalformed(callbacks: DecoderFilterCallbacks, name: string, value: string): void {
  callbacks.info.setFlag('IH');
  const details = `request_headers_failed_strict_check{${name}}`;
  callbacks.sendLocalReply(400, `invalid header '${name}' with value '${value}'`, details);
}

export function answerIncomplete(callbacks: DecoderFilterCallbacks): void {
  callbacks.sendLocalReply(
    503,
    'missing required header',
    'filter_removed_required_request_headers{missing_required_header}',
  );
}

export function answerNoHealthyUpstream(callbacks: DecoderFilterCallbacks, stats: ClusterStats): void {
  callbacks.info.setFlag('UH');
  stats.chargeCode(503);
  callbacks.sendLocalReply(503, 'no healthy upstream', 'no_healthy_upstream');
}

/** The attempt broke and is not retried; nothing has gone down. */
export function answerReset(
  callbacks: DecoderFilterCallbacks,
  config: RouterConfig,
  stats: ClusterStats,
  reason: ResetReason,
  transportReason: string,
  codecDetails: string,
): void {
  const { info } = callbacks;
  const status = statusOf(reason);
  info.setFlag(flagOf(reason));
  stats.chargeCode(status);
  const overloaded = reason === 'overflow' && !config.suppressHeaders;
  const body = bodyOf(reason, transportReason, info.attemptCount);
  const details = detailsOf(reason, transportReason === '' ? codecDetails : transportReason, false);
  callbacks.sendLocalReply(status, body, details, overloaded ? markOverloaded : undefined);
}

export function answerTimeout(
  callbacks: DecoderFilterCallbacks,
  stats: ClusterStats,
  status: number,
  details: string,
): void {
  callbacks.info.setFlag('UT');
  stats.chargeCode(status);
  callbacks.sendLocalReply(status, status === 204 ? '' : 'upstream request timeout', details);
}

/** 408 while the client still sends, 504 when it waits for us. */
export function answerMaxDuration(
  callbacks: DecoderFilterCallbacks,
  stats: ClusterStats,
  requestComplete: boolean,
): void {
  const status = requestComplete ? 504 : 408;
  callbacks.info.setFlag('UMSDR');
  stats.chargeCode(status);
  const body = 'upstream max stream duration reached';
  callbacks.sendLocalReply(status, body, 'upstream_max_stream_duration_reached');
}

/** More body came than can be kept, and no attempt is under way that could take it. */
export function answerRetryBufferFull(callbacks: DecoderFilterCallbacks): void {
  callbacks.sendLocalReply(
    507,
    'exceeded request buffer limit while retrying upstream',
    'request_payload_exceeded_retry_buffer_limit',
  );
}

export const TIMEOUT_DETAILS: Readonly<Record<TimerKind, string>> = {
  route: 'response_timeout',
  'back-off': '',
  'per-try': 'upstream_per_try_timeout',
  'per-try-idle': 'upstream_per_try_idle_timeout',
  'max-duration': 'upstream_max_stream_duration_reached',
};

/** The answer has begun to go down: all that is left is to break it off, and to say why. */
export function breakOff(
  callbacks: DecoderFilterCallbacks,
  config: RouterConfig,
  flag: ResponseFlag,
  details: string,
): void {
  callbacks.info.setFlag(flag);
  callbacks.info.responseCodeDetails = details;
  config.stats.rqResetAfterResponseStarted.inc();
  callbacks.resetStream();
}

function markOverloaded(headers: HeaderMap): void {
  headers.set('x-envoy-overloaded', 'true');
}
