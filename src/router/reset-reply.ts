/**
 * What a client is told, and the log says, when the exchange with the upstream broke: Envoy's table of reset reasons.
 *
 * Before any response byte: a local reply (503, or 502 when the upstream broke HTTP) with the reason in the body. After:
 * the downstream stream is reset and only flag and details tell.
 */
import type { ResetReason } from '../api/http.ts';
import type { ResponseFlag } from '../api/observe.ts';
import { unreachable } from '../base/invariant.ts';

export function flagOf(reason: ResetReason): ResponseFlag {
  switch (reason) {
    case 'local connection failure':
    case 'remote connection failure':
    case 'connection timeout':
      return 'UF';
    case 'connection termination':
      return 'UC';
    case 'local reset':
    case 'local refused stream reset':
      return 'LR';
    case 'remote reset':
    case 'remote refused stream reset':
    case 'remote error with CONNECT request':
      return 'UR';
    case 'overflow':
      return 'UO';
    case 'protocol error':
      return 'UPE';
    case 'overload manager reset':
      return 'OM';
    default:
      return unreachable(reason);
  }
}

export function statusOf(reason: ResetReason): number {
  return reason === 'protocol error' ? 502 : 503;
}

export function bodyOf(reason: ResetReason, transportReason: string, attempts: number): string {
  const retried = attempts > 1 ? 'retried and the latest ' : '';
  const transport = transportReason === '' ? '' : `, transport failure reason: ${transportReason}`;
  return `upstream connect error or disconnect/reset before headers. ${retried}reset reason: ${reason}${transport}`;
}

export function detailsOf(reason: ResetReason, more: string, responseStarted: boolean): string {
  const when = responseStarted ? 'after_response_started' : 'before_response_started';
  return `upstream_reset_${when}{${reason}${more === '' ? '' : `,${more}`}}`;
}

/** Whether the peer ended the exchange (`upstream_rq_rx_reset`); a broken connection is neither side's reset. */
export function isRemoteReset(reason: ResetReason): boolean {
  return reason === 'remote reset' || reason === 'remote refused stream reset';
}
