/**
 * Which streams a log is written for (`AccessLogFilter`): compiled once, asked once per stream before its line is formatted.
 */
import type {
  AccessLogFilter,
  ComparisonFilter,
  FractionalPercent,
  GrpcStatusFilterStatus,
} from '../../api/envoy.ts';
import type { LogContext } from '../../api/observe.ts';
import { HeaderList } from '../../codec/header-map.ts';
import { recordOf } from '../../observe/format/operator.ts';
import { offsetUs } from '../../observe/instant.ts';
import { flagBit } from '../../observe/response-flags.ts';
import { HeaderCondition } from '../../router/header-match.ts';

export type LogFilter = (context: LogContext) => boolean;

/** Envoy's own health checkers, and ours, call themselves so. */
const HEALTH_CHECKER = 'Envoy/HC';

/** Of a stream whose head never became whole: as in Envoy it has no header, which a condition may be about. */
const NO_HEAD = new HeaderList();

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

/** Throws an error that names the field. */
export function compileLogFilter(config: AccessLogFilter): LogFilter {
  if (config.status_code_filter !== undefined)
    return compared(config.status_code_filter.comparison, ({ info }) => info.responseCode);
  if (config.duration_filter !== undefined)
    return compared(config.duration_filter.comparison, ({ info }) =>
      Math.floor(Math.max(0, offsetUs(info.startAt, info.endAt)) / 1000),
    );
  if (config.not_health_check_filter !== undefined)
    return ({ request }) => !(request?.get('user-agent') ?? '').startsWith(HEALTH_CHECKER);
  if (config.response_flag_filter !== undefined) return flagged(config.response_flag_filter.flags ?? []);
  if (config.header_filter !== undefined) {
    const condition = new HeaderCondition(config.header_filter.header ?? {});
    return ({ request }) => condition.matches(request ?? NO_HEAD);
  }
  if (config.and_filter !== undefined) {
    const filters = (config.and_filter.filters ?? []).map(compileLogFilter);
    return (context) => filters.every((filter) => filter(context));
  }
  if (config.or_filter !== undefined) {
    const filters = (config.or_filter.filters ?? []).map(compileLogFilter);
    return (context) => filters.some((filter) => filter(context));
  }
  if (config.runtime_filter !== undefined) return sampled(config.runtime_filter.percent_sampled);
  if (config.log_type_filter !== undefined) {
    const { types = [], exclude = false } = config.log_type_filter;
    const named = new Set<string>(types);
    return ({ logType }) => named.has(logType) !== exclude;
  }
  if (config.grpc_status_filter !== undefined) {
    const { statuses = [], exclude = false } = config.grpc_status_filter;
    return grpcStatus(statuses, exclude);
  }
  const [field = 'filter'] = Object.keys(config);
  throw new Error(`${field} is not supported by nodeproxy yet`);
}

/** A value that runtime may override is its default: there is no runtime yet. */
function compared(
  comparison: ComparisonFilter | undefined,
  valueOf: (context: LogContext) => number,
): LogFilter {
  const wanted = comparison?.value?.default_value ?? 0;
  switch (comparison?.op ?? 'EQ') {
    case 'EQ':
      return (context) => valueOf(context) === wanted;
    case 'GE':
      return (context) => valueOf(context) >= wanted;
    default:
      return (context) => valueOf(context) <= wanted;
  }
}

/** No flag named: any flag will do. */
function flagged(names: readonly string[]): LogFilter {
  let wanted = 0;
  for (const name of names) {
    const bit = flagBit(name);
    if (bit === 0) throw new Error(`response_flag_filter.flags: no such response flag in Envoy: ${name}`);
    wanted |= bit;
  }
  if (names.length === 0) wanted = -1;
  return (context) => {
    const record = recordOf(context);
    if (record !== null) return (record.flagBits & wanted) !== 0;
    return context.info.flags.some((flag) => (flagBit(flag) & wanted) !== 0);
  };
}

function sampled(percent: FractionalPercent | undefined): LogFilter {
  const share = (percent?.numerator ?? 0) / DENOMINATORS[percent?.denominator ?? 'HUNDRED'];
  return (context) => (recordOf(context)?.random() ?? 0) < share;
}

/** In the order of their numbers. */
const GRPC_STATUSES: readonly GrpcStatusFilterStatus[] = [
  'OK',
  'CANCELED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

function grpcStatus(statuses: readonly GrpcStatusFilterStatus[], exclude: boolean): LogFilter {
  const wanted = new Set(statuses.map((status) => String(GRPC_STATUSES.indexOf(status))));
  return ({ trailers, response }) => {
    const status = trailers?.get('grpc-status') ?? response?.get('grpc-status') ?? null;
    return status !== null && wanted.has(status) !== exclude;
  };
}
