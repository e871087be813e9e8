/**
 * Operators that print what the stream itself knows: outcome, bytes, ids, names, metadata.
 */
import { hostname } from 'node:os';
import type { LogContext } from '../../api/observe.ts';
import { flagBit, flagsText, longFlagsText } from '../response-flags.ts';
import {
  emptyToNull,
  FormatError,
  plain,
  recordOf,
  type OperatorMaker,
  type Value,
  type ValueOf,
} from './operator.ts';

function bitsOf(context: LogContext): number {
  const record = recordOf(context);
  if (record !== null) return record.flagBits;
  return context.info.flags.reduce((bits, flag) => bits | flagBit(flag), 0);
}

/** Details are words for programs: blanks become `_`. */
function underscored(text: string): string | null {
  if (text === '') return null;
  return text.includes(' ') ? text.replaceAll(' ', '_') : text;
}

function codeDetails(parameter: string | null): ReturnType<OperatorMaker> {
  if (parameter !== null && parameter !== 'ALLOW_WHITESPACES')
    throw new FormatError(`%RESPONSE_CODE_DETAILS(${parameter})%: ALLOW_WHITESPACES or nothing expected`);
  const value: ValueOf =
    parameter === null
      ? ({ info }) => underscored(info.responseCodeDetails)
      : ({ info }) => emptyToNull(info.responseCodeDetails);
  return { value, untrusted: true };
}

function metadata(parameter: string | null): ReturnType<OperatorMaker> {
  const [namespace = '', ...path] = (parameter ?? '').split(':');
  if (namespace === '')
    throw new FormatError('%DYNAMIC_METADATA% needs a namespace: %DYNAMIC_METADATA(ns:key)%');
  const value = (context: LogContext): Value => {
    if (recordOf(context)?.hasMetadata === false) return null;
    const entries = context.info.metadata.get(namespace);
    if (entries === undefined) return null;
    let found: unknown = path.length === 0 ? Object.fromEntries(entries) : entries.get(path[0] ?? '');
    for (const key of path.slice(1)) found = fieldOf(found, key);
    return textOf(found);
  };
  return { value, untrusted: true };
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}

/** Texts and numbers as they are, everything else as JSON. A metadata value is a filter's: it may not be printable. */
function textOf(value: unknown): Value {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number') return value;
  try {
    return JSON.stringify(value) ?? null;
  } catch {
    return null;
  }
}

function environment(parameter: string | null): ReturnType<OperatorMaker> {
  if (parameter === null || parameter === '')
    throw new FormatError('%ENVIRONMENT% needs a name: %ENVIRONMENT(X)%');
  const text = emptyToNull(process.env[parameter] ?? '');
  return { value: () => text };
}

function serverName(parameter: string | null): ReturnType<OperatorMaker> {
  if (parameter !== null && !['SNI_ONLY', 'SNI_FIRST', 'HOST_FIRST'].includes(parameter))
    throw new FormatError(
      `%REQUESTED_SERVER_NAME(${parameter})%: SNI_ONLY, SNI_FIRST or HOST_FIRST expected`,
    );
  const hostFirst = parameter === 'HOST_FIRST' || parameter === 'SNI_FIRST';
  // There is no SNI without TLS; until the TLS listener notes it, the host is what the client asked for.
  return {
    value: ({ request }) => (hostFirst ? emptyToNull(request?.authority ?? '') : null),
    untrusted: true,
  };
}

const HEX_DIGITS = '0123456789abcdef';

/** A random (version 4) UUID from the stream's own random source. */
function uuid(random: () => number): string {
  let text = '';
  for (let index = 0; index < 32; index += 1) {
    if (index === 8 || index === 12 || index === 16 || index === 20) text += '-';
    const nibble = Math.floor(random() * 16);
    text += index === 12 ? '4' : (HEX_DIGITS[index === 16 ? (nibble & 3) | 8 : nibble] ?? '0');
  }
  return text;
}

function uniqueId(context: LogContext): string | null {
  const record = recordOf(context);
  return record === null ? null : uuid(() => record.random());
}

const host = emptyToNull(hostname());
const missing = plain(() => null);

export const STREAM_OPERATORS: Readonly<Record<string, OperatorMaker>> = {
  PROTOCOL: plain(({ info }) => emptyToNull(info.protocol)),
  UPSTREAM_PROTOCOL: plain(({ info }) => emptyToNull(info.upstream.protocol)),
  RESPONSE_CODE: plain(({ info }) => info.responseCode),
  RESPONSE_CODE_DETAILS: codeDetails,
  RESPONSE_FLAGS: plain((context) => flagsText(bitsOf(context))),
  RESPONSE_FLAGS_LONG: plain((context) => longFlagsText(bitsOf(context))),
  CONNECTION_TERMINATION_DETAILS: plain(({ info }) => underscored(info.connectionTerminationDetails), {
    untrusted: true,
  }),
  UPSTREAM_TRANSPORT_FAILURE_REASON: plain(({ info }) => underscored(info.upstream.transportFailureReason), {
    untrusted: true,
  }),
  // Envoy fills it in listener logs only, and those come with the TLS listener.
  DOWNSTREAM_TRANSPORT_FAILURE_REASON: missing,
  BYTES_RECEIVED: plain(({ info }) => info.bytesReceived),
  BYTES_SENT: plain(({ info }) => info.bytesSent),
  REQUEST_HEADERS_BYTES: plain(({ info }) => info.requestHeaderBytes),
  RESPONSE_HEADERS_BYTES: plain(({ info }) => info.responseHeaderBytes),
  RESPONSE_TRAILERS_BYTES: plain(({ trailers }) => trailers?.byteSize ?? 0),
  DOWNSTREAM_WIRE_BYTES_SENT: plain(({ info }) => info.downstreamWireBytesSent),
  DOWNSTREAM_WIRE_BYTES_RECEIVED: plain(({ info }) => info.downstreamWireBytesReceived),
  UPSTREAM_WIRE_BYTES_SENT: plain(({ info }) => info.upstream.wireBytesSent),
  UPSTREAM_WIRE_BYTES_RECEIVED: plain(({ info }) => info.upstream.wireBytesReceived),
  DOWNSTREAM_HEADER_BYTES_SENT: plain(({ info }) => info.responseHeaderBytes),
  DOWNSTREAM_HEADER_BYTES_RECEIVED: plain(({ info }) => info.requestHeaderBytes),
  UPSTREAM_HEADER_BYTES_SENT: plain(({ info }) => info.upstream.headerBytesSent),
  UPSTREAM_HEADER_BYTES_RECEIVED: plain(({ info }) => info.upstream.headerBytesReceived),
  // HTTP/1 heads are not compressed: the same bytes.
  DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT: plain(({ info }) => info.responseHeaderBytes),
  DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED: plain(({ info }) => info.requestHeaderBytes),
  UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT: plain(({ info }) => info.upstream.headerBytesSent),
  UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED: plain(({ info }) => info.upstream.headerBytesReceived),
  BYTES_RETRANSMITTED: missing,
  PACKETS_RETRANSMITTED: missing,
  CONNECTION_ID: plain(({ info }) => info.connectionId),
  UPSTREAM_CONNECTION_ID: plain(({ info }) => info.upstream.connectionId || null),
  UPSTREAM_CONNECTION_IDS_ATTEMPTED: plain(({ info }) =>
    emptyToNull(info.upstream.connectionIdsAttempted.join(',')),
  ),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: plain(({ info }) => info.attemptCount),
  UPSTREAM_CLUSTER: plain(({ info }) => emptyToNull(info.clusterName)),
  UPSTREAM_CLUSTER_RAW: plain(({ info }) => emptyToNull(info.clusterName)),
  UPSTREAM_HOST_NAME: plain(({ info }) => emptyToNull(info.upstream.hostname)),
  UPSTREAM_HOST_NAME_WITHOUT_PORT: plain(({ info }) => emptyToNull(info.upstream.hostname)),
  STREAM_ID: plain((context) => context.request?.get('x-request-id') ?? null, { untrusted: true }),
  UNIQUE_ID: plain(uniqueId),
  ROUTE_NAME: plain(({ info }) => emptyToNull(info.routeName)),
  VIRTUAL_HOST_NAME: plain(({ info }) => emptyToNull(info.virtualHostName)),
  VIRTUAL_CLUSTER_NAME: missing,
  FILTER_CHAIN_NAME: plain(({ info }) => emptyToNull(info.filterChainName)),
  REQUESTED_SERVER_NAME: serverName,
  HOSTNAME: plain(() => host),
  ENVIRONMENT: environment,
  DYNAMIC_METADATA: metadata,
  LOCAL_REPLY_BODY: plain((context) => emptyToNull(context.localReplyBody ?? ''), { untrusted: true }),
  ACCESS_LOG_TYPE: plain((context) => emptyToNull(context.logType)),
};
