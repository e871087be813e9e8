/** Envoy's default line, which has neither details nor addresses: as base fields with `null` where it says nothing. */
import type { BaseFields } from '../observe/grammar/instrumented-line.ts';

const QUOTED = '"([^"]*)"';
const LINE = new RegExp(
  `^\\[([^\\]]+)\\] "([^" ]*) ([^"]*) ([^" ]*)" (\\d+) ([^ "]+) (\\d+) (\\d+) (\\d+|-) (\\d+|-) ` +
    `${QUOTED} ${QUOTED} ${QUOTED} ${QUOTED} ${QUOTED}$`,
);

export function parseEnvoyDefault(text: string): BaseFields | null {
  const match = LINE.exec(text);
  if (match === null) return null;
  const word = (index: number): string | null => {
    const found = match[index];
    return found === undefined || found === '-' ? null : found;
  };
  const number = (index: number): number | null => {
    const found = word(index);
    return found === null ? null : Number(found);
  };
  return {
    startTime: match[1] ?? '',
    method: word(2),
    path: word(3),
    protocol: word(4),
    responseCode: Number(match[5]),
    responseFlags: word(6),
    responseCodeDetails: null,
    connectionTerminationDetails: null,
    upstreamTransportFailureReason: null,
    bytesReceived: Number(match[7]),
    bytesSent: Number(match[8]),
    duration: number(9),
    upstreamServiceTime: number(10),
    forwardedFor: word(11),
    userAgent: word(12),
    requestId: word(13),
    authority: word(14),
    upstreamHost: word(15),
    upstreamCluster: null,
    upstreamLocalAddress: null,
    downstreamLocalAddress: null,
    downstreamRemoteAddress: null,
    requestedServerName: null,
    routeName: null,
  };
}
