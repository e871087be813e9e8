/** Takes the request that a peer sends behind the last one that its connection was good for, and does nothing with it. */
import type { RequestDecoder } from '../api/http.ts';

export const DISCARD: RequestDecoder = {
  onWire: () => undefined,
  decodeHeaders: () => undefined,
  decodeData: () => undefined,
  decodeTrailers: () => undefined,
  sendCodecReply: () => undefined,
};
