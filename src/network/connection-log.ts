/**
 * Lines of the application log about a connection (component `connection`): debug for its life and its watermarks, in Envoy's words
 * where it has them, trace for each call. Everything here runs only when the level is on; callers ask `log.debugOn` or `traceOn`.
 */
import type { Connection } from '../api/network.ts';
import { addressText } from '../base/address-text.ts';
import { logger } from '../base/logger.ts';
import type { ConnectionTransition } from './connection-state.ts';

export const log = logger('connection');

/** Told before the state changes; the reason of a close is known by then. */
export function logTransition(connection: Connection, transition: ConnectionTransition): void {
  const { id, side, state, closeReason } = connection;
  const why = closeReason === '' ? '' : `: ${closeReason}`;
  switch (transition) {
    case 'connected':
      log.debug(`[C${id}] connected to ${addressText(connection.remoteAddress)}`);
      if (log.traceOn) log.trace(`[C${id}] its local address is ${addressText(connection.localAddress)}`);
      break;
    case 'begin-close':
      log.debug(
        `[C${id}] closing ${side} connection when ${connection.writeBuffered} bytes are written${why}`,
      );
      break;
    case 'half-closed':
      log.debug(`[C${id}] everything written, waiting for the peer to close`);
      break;
    case 'closed':
      log.debug(`[C${id}] closing ${side} socket in state ${state}${why}`);
      break;
    default:
      transition satisfies never;
  }
}
