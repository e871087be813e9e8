/**
 * The life of an HTTP/1 connection in its pool, as a pure function.
 *
 *                 ,------- stream-ended -------.
 *                 v                            |
 *   connecting -> ready -------- attach ----> busy --drain--> draining --stream-ended--> closed (terminal)
 *       |           |                          |                 |
 *       `-----------`------------ closed ------`-----------------'
 *
 * `ready`: up and idle, may be handed out. `busy`: one request is on it. `draining`: its request is the last one (limit of
 * requests or age reached, host gone). `closed` is reached from everywhere, once.
 */
import { InvariantError, unreachable } from '../../base/invariant.ts';

export type PooledState = 'connecting' | 'ready' | 'busy' | 'draining' | 'closed';

export type PooledTransition = 'connected' | 'attach' | 'stream-ended' | 'drain' | 'closed';

export function nextPooledState(state: PooledState, transition: PooledTransition): PooledState {
  if (transition === 'closed') return 'closed';
  switch (state) {
    case 'connecting':
      if (transition === 'connected') return 'ready';
      break;
    case 'ready':
      if (transition === 'attach') return 'busy';
      break;
    case 'busy':
      if (transition === 'stream-ended') return 'ready';
      if (transition === 'drain') return 'draining';
      break;
    case 'draining':
      if (transition === 'stream-ended') return 'closed';
      if (transition === 'drain') return 'draining';
      break;
    case 'closed':
      break;
    default:
      unreachable(state);
  }
  throw new InvariantError(`pooled connection: ${transition} in state ${state}`);
}
