/**
 * Operators that print request and response headers, the path and the query. All of this text comes from a peer: `untrusted`.
 */
import type { HeaderMap } from '../../api/http.ts';
import type { LogContext } from '../../api/observe.ts';
import { emptyToNull, FormatError, type OperatorMaker } from './operator.ts';

type MapOf = (context: LogContext) => HeaderMap | null;
type Read = (headers: HeaderMap) => string | null;

const requestOf: MapOf = (context) => context.request;
const responseOf: MapOf = (context) => context.response;
const trailersOf: MapOf = (context) => context.trailers;

/** Pseudo headers are fields of the map: read without a search. */
const PSEUDO: Readonly<Record<string, Read>> = {
  ':method': (headers) => emptyToNull(headers.method),
  ':path': (headers) => emptyToNull(headers.path),
  ':authority': (headers) => emptyToNull(headers.authority),
  host: (headers) => emptyToNull(headers.authority),
  ':scheme': (headers) => emptyToNull(headers.scheme),
  ':protocol': (headers) => emptyToNull(headers.protocol),
  ':status': (headers) => (headers.status === 0 ? null : String(headers.status)),
};

function reader(name: string): Read {
  const lower = name.trim().toLowerCase();
  if (lower === '') throw new FormatError('a header operator without a header name');
  return PSEUDO[lower] ?? ((headers) => headers.get(lower));
}

/** `%REQ(X?Y)%`: X, or Y where there is no X. */
function header(mapOf: MapOf): OperatorMaker {
  return (parameter, name) => {
    if (parameter === null) throw new FormatError(`%${name}% needs a header name: %${name}(X-NAME)%`);
    const names = parameter.split('?');
    if (names.length > 2) throw new FormatError(`%${name}(${parameter})% has more than one alternative`);
    const first = reader(names[0] ?? '');
    const second = names[1] === undefined ? null : reader(names[1]);
    const value = (context: LogContext): string | null => {
      const headers = mapOf(context);
      if (headers === null) return null;
      const found = first(headers);
      return found === null && second !== null ? second(headers) : found;
    };
    return { value, untrusted: true };
  };
}

const ORIGINAL_PATH = 'x-envoy-original-path';

function pathOperator(parameter: string | null): ReturnType<OperatorMaker> {
  const [query = 'WQ', which = 'ORIG_OR_PATH'] = (parameter ?? '')
    .split(':')
    .map((word) => word || undefined);
  if (query !== 'WQ' && query !== 'NQ') throw new FormatError(`%PATH(${parameter})%: WQ or NQ expected`);
  if (which !== 'ORIG' && which !== 'PATH' && which !== 'ORIG_OR_PATH')
    throw new FormatError(`%PATH(${parameter})%: ORIG, PATH or ORIG_OR_PATH expected`);
  const value = (context: LogContext): string | null => {
    const headers = context.request;
    if (headers === null) return null;
    const original = which === 'PATH' ? null : headers.get(ORIGINAL_PATH);
    const path = original ?? (which === 'ORIG' ? null : emptyToNull(headers.path));
    return path === null || query === 'WQ' ? path : pathOnly(path);
  };
  return { value, untrusted: true };
}

function pathOnly(path: string): string {
  const mark = path.indexOf('?');
  return mark < 0 ? path : path.slice(0, mark);
}

function queryOf(context: LogContext): string | null {
  const path = context.request?.get(ORIGINAL_PATH) ?? context.request?.path ?? '';
  const mark = path.indexOf('?');
  return mark < 0 || mark === path.length - 1 ? null : path.slice(mark + 1);
}

function queryParameter(parameter: string | null): ReturnType<OperatorMaker> {
  if (parameter === null || parameter === '')
    throw new FormatError('%QUERY_PARAM% needs a name: %QUERY_PARAM(x)%');
  const value = (context: LogContext): string | null => {
    const query = queryOf(context);
    return query === null ? null : new URLSearchParams(query).get(parameter);
  };
  return { value, untrusted: true };
}

function queryParameters(parameter: string | null): ReturnType<OperatorMaker> {
  if (parameter !== null && parameter !== 'ORIG' && parameter !== 'DECODED')
    throw new FormatError(`%QUERY_PARAMS(${parameter})%: ORIG or DECODED expected`);
  const value = (context: LogContext): string | null => {
    const query = queryOf(context);
    if (query === null || parameter !== 'DECODED') return query;
    return [...new URLSearchParams(query)].map(([name, text]) => `${name}=${text}`).join('&');
  };
  return { value, untrusted: true };
}

const GRPC_NAMES =
  'OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated'.split(
    ' ',
  );

function grpcStatus(context: LogContext): number | null {
  const text = context.trailers?.get('grpc-status') ?? context.response?.get('grpc-status') ?? null;
  if (text === null || text === '') return null;
  const status = Number(text);
  return Number.isInteger(status) && status >= 0 ? status : null;
}

function grpcName(status: number, snake: boolean): string {
  const name = GRPC_NAMES[status] ?? 'InvalidCode';
  return snake ? name.replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toUpperCase() : name;
}

function grpcOperator(parameter: string | null): ReturnType<OperatorMaker> {
  const form = parameter ?? 'CAMEL_STRING';
  if (form === 'NUMBER') return { value: grpcStatus };
  if (form !== 'CAMEL_STRING' && form !== 'SNAKE_STRING')
    throw new FormatError(`%GRPC_STATUS(${form})%: CAMEL_STRING, SNAKE_STRING or NUMBER expected`);
  const value = (context: LogContext): string | null => {
    const status = grpcStatus(context);
    return status === null ? null : grpcName(status, form === 'SNAKE_STRING');
  };
  return { value };
}

export const HEADER_OPERATORS: Readonly<Record<string, OperatorMaker>> = {
  REQ: header(requestOf),
  REQUEST_HEADER: header(requestOf),
  RESP: header(responseOf),
  RESPONSE_HEADER: header(responseOf),
  TRAILER: header(trailersOf),
  RESPONSE_TRAILER: header(trailersOf),
  PATH: pathOperator,
  QUERY_PARAM: queryParameter,
  QUERY_PARAMS: queryParameters,
  GRPC_STATUS: grpcOperator,
  GRPC_STATUS_NUMBER: () => ({ value: grpcStatus }),
};
