/**
 * Fields of a JSON log line by the names that people give them: those of `config/json-log.yaml`, Istio's and Envoy's, and the
 * operators' own (`"REQ(:METHOD)"`, `"%DURATION%"`). Names are compared by letters and digits alone; nested objects are looked
 * through, the nested name first (`bytes.received`).
 */
import type { BaseFields, SixNumbers } from '../observe/grammar/instrumented-line.ts';

export interface JsonFields {
  /** A container runtime's object: the line that it holds. */
  readonly wrapped: string | null;
  readonly base: BaseFields;
  readonly six: SixNumbers | null;
  readonly threadId: number | null;
  readonly groups: Readonly<
    Record<'downstreamRead' | 'upstreamWrite' | 'upstreamRead' | 'downstreamWrite', string | null>
  >;
  readonly ledger: string | null;
  readonly turns: string | null;
}

const MAX_DEPTH = 4;
const MAX_FIELDS = 200;

const NAMES = {
  startTime: ['starttime', 'time', 'timestamp', 'ts', 'start'],
  method: ['method', 'reqmethod', 'requestmethod', 'httpmethod'],
  path: ['path', 'reqpath', 'reqxenvoyoriginalpathpath', 'requestpath', 'originalpath', 'uri', 'url'],
  protocol: ['protocol', 'httpversion'],
  responseCode: ['responsecode', 'status', 'statuscode', 'code', 'httpstatus'],
  responseFlags: ['responseflags', 'flags'],
  details: ['responsecodedetails', 'details', 'codedetails'],
  termination: ['connectionterminationdetails', 'terminationdetails'],
  transportFailure: ['upstreamtransportfailurereason', 'transportfailurereason'],
  bytesReceived: ['bytesreceived', 'requestbytes', 'bytesin'],
  bytesSent: ['bytessent', 'responsebytes', 'bytesout'],
  duration: ['durationms', 'duration', 'latencyms', 'totalms', 'totalduration'],
  serviceTime: [
    'upstreamservicetime',
    'respxenvoyupstreamservicetime',
    'xenvoyupstreamservicetime',
    'upstreamms',
  ],
  forwardedFor: ['xforwardedfor', 'reqxforwardedfor', 'forwardedfor', 'xff'],
  userAgent: ['useragent', 'requseragent'],
  requestId: ['requestid', 'reqxrequestid', 'xrequestid', 'id'],
  authority: ['authority', 'reqauthority', 'host', 'reqhost'],
  upstreamHost: ['upstreamhost', 'upstream', 'upstreamaddress', 'upstreamremoteaddress'],
  cluster: ['upstreamcluster', 'cluster', 'clustername'],
  upstreamLocal: ['upstreamlocaladdress'],
  downstreamLocal: ['downstreamlocaladdress', 'listener', 'localaddress'],
  downstreamRemote: [
    'downstreamremoteaddress',
    'downstream',
    'client',
    'clientaddress',
    'remoteaddress',
    'source',
  ],
  serverName: ['requestedservername', 'servername', 'sni'],
  routeName: ['routename', 'route'],
  requestDuration: ['requestduration', 'requestdurationms', 'requestms'],
  requestTx: ['requesttxduration', 'requesttxdurationms', 'requesttxms'],
  response: ['responseduration', 'responsedurationms', 'responsems'],
  responseTx: ['responsetxduration', 'responsetxdurationms', 'responsetxms'],
  thread: ['threadid', 'thread', 'tid'],
  downstreamRead: ['downstreamread', 'downstreamreads', 'downstreamreadduration'],
  upstreamWrite: ['upstreamwrite', 'upstreamwrites', 'upstreamwriteduration'],
  upstreamRead: ['upstreamread', 'upstreamreads', 'upstreamreadduration'],
  downstreamWrite: ['downstreamwrite', 'downstreamwrites', 'downstreamwriteduration'],
  ledger: ['ledger'],
  turns: ['loopturn', 'loopturns', 'turns', 'turn'],
} as const;

/** The line itself, in the objects of Docker and of log shippers. */
const WRAPPERS = ['log', 'message', 'msg', 'line'];

type Values = ReadonlyMap<string, string>;

/** Null: nothing in it is of an access log. */
export function fieldsOfJson(value: unknown): JsonFields | null {
  const values = new Map<string, string>();
  collect(value, '', values, 0);
  const has = (name: keyof typeof NAMES): boolean => find(values, name) !== null;
  const named =
    (has('responseCode') || has('duration')) && (has('startTime') || has('path') || has('method'));
  const wrapped = named ? null : WRAPPERS.map((name) => values.get(name)).find((text) => text !== undefined);
  const grouped = has('downstreamRead') || has('ledger');
  if (!named && !grouped && wrapped === undefined) return null;
  return {
    wrapped: grouped ? null : (wrapped ?? null),
    base: baseOf(values),
    six: sixOf(values),
    threadId: numberOf(values, 'thread'),
    groups: {
      downstreamRead: groupOf(values, 'downstreamRead'),
      upstreamWrite: groupOf(values, 'upstreamWrite'),
      upstreamRead: groupOf(values, 'upstreamRead'),
      downstreamWrite: groupOf(values, 'downstreamWrite'),
    },
    ledger: find(values, 'ledger'),
    turns: find(values, 'turns'),
  };
}

/** Every name leads to its first value: `received` inside of `bytes` as `bytesreceived`, and as `received`. */
function collect(value: unknown, prefix: string, into: Map<string, string>, depth: number): void {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return;
  for (const [key, each] of Object.entries(value)) {
    if (into.size > MAX_FIELDS) return;
    // `%DOWNSTREAM_READ_DURATION(us)%`: a unit is no part of the name.
    const name = key
      .replace(/\((?:us|ms)\)/, '')
      .replaceAll(/[^A-Za-z0-9]/g, '')
      .toLowerCase();
    if (typeof each === 'string' || typeof each === 'number') {
      const text = String(each);
      if (!into.has(prefix + name)) into.set(prefix + name, text);
      if (!into.has(name)) into.set(name, text);
    } else collect(each, prefix + name, into, depth + 1);
  }
}

function find(values: Values, field: keyof typeof NAMES): string | null {
  for (const name of NAMES[field]) {
    const value = values.get(name);
    if (value !== undefined) return value === '-' || value === '' ? null : value;
  }
  return null;
}

/** A group without fragments is printed as `-`, which is not the same as no group. */
function groupOf(values: Values, field: keyof typeof NAMES): string | null {
  return find(values, field) ?? (NAMES[field].some((name) => values.has(name)) ? '' : null);
}

function numberOf(values: Values, field: keyof typeof NAMES): number | null {
  const text = find(values, field);
  return text !== null && /^\d+(?:\.\d+)?$/.test(text) ? Math.floor(Number(text)) : null;
}

function baseOf(values: Values): BaseFields {
  return {
    startTime: find(values, 'startTime') ?? '',
    method: find(values, 'method'),
    path: find(values, 'path'),
    protocol: find(values, 'protocol'),
    responseCode: numberOf(values, 'responseCode') ?? 0,
    responseFlags: find(values, 'responseFlags'),
    responseCodeDetails: find(values, 'details'),
    connectionTerminationDetails: find(values, 'termination'),
    upstreamTransportFailureReason: find(values, 'transportFailure'),
    bytesReceived: numberOf(values, 'bytesReceived') ?? 0,
    bytesSent: numberOf(values, 'bytesSent') ?? 0,
    duration: numberOf(values, 'duration'),
    upstreamServiceTime: numberOf(values, 'serviceTime'),
    forwardedFor: find(values, 'forwardedFor'),
    userAgent: find(values, 'userAgent'),
    requestId: find(values, 'requestId'),
    authority: find(values, 'authority'),
    upstreamHost: find(values, 'upstreamHost'),
    upstreamCluster: find(values, 'cluster'),
    upstreamLocalAddress: find(values, 'upstreamLocal'),
    downstreamLocalAddress: find(values, 'downstreamLocal'),
    downstreamRemoteAddress: find(values, 'downstreamRemote'),
    requestedServerName: find(values, 'serverName'),
    routeName: find(values, 'routeName'),
  };
}

/** Null unless it has what the six numbers add to the base. */
function sixOf(values: Values): SixNumbers | null {
  const requestDuration = numberOf(values, 'requestDuration');
  const requestTxDuration = numberOf(values, 'requestTx');
  const responseDuration = numberOf(values, 'response');
  const responseTxDuration = numberOf(values, 'responseTx');
  if ((requestDuration ?? requestTxDuration ?? responseDuration ?? responseTxDuration) === null) return null;
  return {
    duration: numberOf(values, 'duration'),
    requestDuration,
    requestTxDuration,
    responseDuration,
    responseTxDuration,
    upstreamServiceTime: numberOf(values, 'serviceTime'),
  };
}
