/**
 * The life of a connection as a pure function: which event leads from which state to which.
 *
 *   connecting --connected--> open --close with bytes left--> closing --flushed, delayed--> draining
 *        |                     |                                |                              |
 *        `------- failed ------`------------- closed -----------`---- flushed -----------------`--> closed (terminal)
 */
import type { ConnectionState } from '../api/network.ts';
import { InvariantError, unreachable } from '../base/invariant.ts';

/** `begin-close`: close asked while bytes wait. `half-closed`: everything sent, FIN sent, the peer gets time to read. */
export type ConnectionTransition = 'connected' | 'begin-close' | 'half-closed' | 'closed';

export function nextState(state: ConnectionState, transition: ConnectionTransition): ConnectionState {
  if (transition === 'closed') return 'closed';
  switch (state) {
    case 'connecting':
      if (transition === 'connected') return 'open';
      if (transition === 'begin-close') return 'closing';
      break;
    case 'open':
      if (transition === 'begin-close') return 'closing';
      if (transition === 'half-closed') return 'draining';
      break;
    case 'closing':
      if (transition === 'half-closed') return 'draining';
      if (transition === 'connected' || transition === 'begin-close') return 'closing';
      break;
    case 'draining':
      if (transition === 'begin-close' || transition === 'half-closed') return 'draining';
      break;
    case 'closed':
      return 'closed';
    default:
      unreachable(state);
  }
  throw new InvariantError(`connection: ${transition} in state ${state}`);
}
