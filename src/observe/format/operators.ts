/**
 * The table of all operators, and what is said of a name that is not in it.
 *
 * TLS operators print `-` until connections carry TLS state for them; what Envoy has and nodeproxy has not is told from what
 * Envoy has not either. Source of the names: `envoy-reference.md`, section 3.
 */
import { ADDRESS_OPERATORS } from './address-operators.ts';
import { HEADER_OPERATORS } from './header-operators.ts';
import { INSTRUMENTED_OPERATORS } from './instrumented-operators.ts';
import { FormatError, type Operator, type OperatorMaker } from './operator.ts';
import { STREAM_OPERATORS } from './stream-operators.ts';
import { TIME_OPERATORS } from './time-operators.ts';

const SIDES = ['DOWNSTREAM', 'UPSTREAM'];

/** Nothing to print: connections carry no TLS state yet, and plain ones never do. */
const EMPTY_OPERATORS = [
  ...SIDES.flatMap((side) => [
    ...['VERSION', 'CIPHER', 'GROUP', 'SESSION_ID'].map((name) => `${side}_TLS_${name}`),
    ...['LOCAL', 'PEER'].flatMap((end) =>
      ['SUBJECT', 'ISSUER', 'URI_SAN', 'DNS_SAN', 'IP_SAN'].map((name) => `${side}_${end}_${name}`),
    ),
    `${side}_PEER_CERT`,
    `${side}_LOCAL_CLOSE_REASON`,
    `${side}_DETECTED_CLOSE_TYPE`,
  ]),
  ...['FINGERPRINT_256', 'FINGERPRINT_1', 'SERIAL', 'CERT_V_START', 'CERT_V_END'].map(
    (name) => `DOWNSTREAM_PEER_${name}`,
  ),
  'UPSTREAM_SERVER_NAME',
  'TLS_JA3_FINGERPRINT',
  'TLS_JA4_FINGERPRINT',
];

const NOT_SUPPORTED = new Set([
  'CEL',
  'COALESCE',
  'CUSTOM_FLAGS',
  'DOWNSTREAM_CX_RTT',
  'FILTER_STATE',
  'UPSTREAM_FILTER_STATE',
  'METADATA',
  'CLUSTER_METADATA',
  'UPSTREAM_METADATA',
  'TRACE_ID',
  'SPAN_ID',
  'UPSTREAM_HOST_NAMES_ATTEMPTED',
  'UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT',
]);

const nothing: OperatorMaker = () => ({ value: () => null });

const OPERATORS = new Map<string, OperatorMaker>([
  ...Object.entries(TIME_OPERATORS),
  ...Object.entries(HEADER_OPERATORS),
  ...Object.entries(STREAM_OPERATORS),
  ...Object.entries(ADDRESS_OPERATORS),
  ...Object.entries(INSTRUMENTED_OPERATORS),
  ...EMPTY_OPERATORS.map((name): [string, OperatorMaker] => [name, nothing]),
]);

/** Names that have had wrong spellings in circulation. */
const MEANT: Readonly<Record<string, string>> = {
  UPSTREAM_CX_POOL_READY_DURATION: 'UPSTREAM_CONNECTION_POOL_READY_DURATION',
  BYTES_SNT: 'BYTES_SENT',
};

/** Throws `FormatError`. */
export function makeOperator(name: string, parameter: string | null): Operator {
  const maker = OPERATORS.get(name);
  if (maker !== undefined) return maker(parameter, name);
  if (NOT_SUPPORTED.has(name)) throw new FormatError(`%${name}% is not supported by nodeproxy yet`);
  const meant = MEANT[name];
  const hint = meant === undefined ? '' : ` (${meant} is meant?)`;
  throw new FormatError(`no such operator in Envoy: %${name}%${hint}`);
}

export function operatorNames(): readonly string[] {
  return [...OPERATORS.keys()];
}
