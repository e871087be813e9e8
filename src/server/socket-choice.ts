/** Which socket interface carries the traffic: asked for, or found by trying (`auto`). A fall-back says why, once. */
import { logger } from '../base/logger.ts';
import { probeSyscalls } from '../os/probe.ts';

const log = logger('main');

/** Asked for what this machine cannot do. */
export class SocketInterfaceError extends Error {
  override readonly name = 'SocketInterfaceError';
}

export function chooseSocketInterface(wanted: 'auto' | 'syscall' | 'portable'): 'syscall' | 'portable' {
  if (wanted === 'portable') return wanted;
  const reason = probeSyscalls();
  if (reason === null) return 'syscall';
  if (wanted === 'syscall') throw new SocketInterfaceError(`--socket-interface syscall: ${reason}`);
  log.warning(`portable socket interface: ${reason}; the log will lack the times of system calls`);
  return 'portable';
}
