/** A socket that could not be made (no descriptor left): reads and writes nothing, and closes without a trace. */
import type { Address, ReadResult, Socket, WriteResult } from '../api/socket.ts';
import { EMPTY } from '../buffer/bytes.ts';

export const UNKNOWN_ADDRESS: Address = { kind: 'ip', ip: '0.0.0.0', port: 0, family: 4 };

export class AbsentSocket implements Socket {
  readonly localAddress = UNKNOWN_ADDRESS;
  readonly remoteAddress: Address;
  readonly secure = false;
  readonly timed = true;
  readonly moreToRead = false;

  constructor(remote: Address) {
    this.remoteAddress = remote;
  }

  read(): ReadResult {
    const { block } = EMPTY;
    return {
      status: 'again',
      block,
      start: 0,
      end: 0,
      full: false,
      at: 0,
      took: 0,
      waited: -1,
      errorCode: '',
    };
  }

  write(): WriteResult {
    return { written: 0, blocked: true, at: 0, took: 0, errorCode: '' };
  }

  peek(): number {
    return -1;
  }

  setReadInterest(): void {}

  shutdownWrite(): void {}

  close(): void {}

  setNoDelay(): void {}

  setKeepAlive(): void {}
}
