/**
 * The life of one HTTP stream, as states and the one function that moves between them.
 *
 *   head --head-complete--> request --response-headers--> response --response-end--> deliver --delivered--> done
 *    `----------------------response-headers------------------^    (a reply of the codec or of a timeout)
 *   every state but done --reset--> done
 *
 * How far the *request* has come once its head is complete is a flag beside the state, because both directions run at once.
 * `done` is terminal: nothing is sent, no filter is called, the log line is written.
 */
import { InvariantError } from '../base/invariant.ts';

/** `deliver`: the response was given to the codec whole, its last bytes are on their way into the kernel. */
export type StreamState = 'head' | 'request' | 'response' | 'deliver' | 'done';

export type StreamTransition = 'head-complete' | 'response-headers' | 'response-end' | 'delivered' | 'reset';

export function nextStreamState(state: StreamState, transition: StreamTransition): StreamState {
  switch (transition) {
    case 'head-complete':
      if (state === 'head') return 'request';
      break;
    case 'response-headers':
      if (state === 'head' || state === 'request') return 'response';
      break;
    case 'response-end':
      if (state === 'response') return 'deliver';
      break;
    case 'delivered':
      if (state === 'deliver') return 'done';
      break;
    case 'reset':
      if (state !== 'done') return 'done';
      break;
    default:
      transition satisfies never;
  }
  throw new InvariantError(`stream: ${transition} in state ${state}`);
}
