/**
 * `local_reply_config`: what the operator makes of the answers that the proxy gives by itself.
 *
 *   reply -> first mapper whose filter matches: headers, body, status, format -> its format, or the one for all -> body, content-type
 *
 * The rules are Envoy's: one mapper at most, the body of a mapper is what `%LOCAL_REPLY_BODY%` prints in its format, and without any
 * format the body goes out as it is. A body is no log line: text of a peer is not escaped in a text format.
 */
import type { LocalReplyConfig, ResponseMapper, SubstitutionFormatString } from '../../api/envoy.ts';
import type { LogContext } from '../../api/observe.ts';
import type { LocalReplyRewrite } from '../../http/local-reply.ts';
import { compileJsonFormat } from '../../observe/format/json-format.ts';
import { written } from '../../observe/format/operator.ts';
import { makeOperator } from '../../observe/format/operators.ts';
import { parseTemplate } from '../../observe/format/template.ts';
import { cut } from '../../observe/format/text-format.ts';
import { compileHeaderFormat } from '../../router/header-format.ts';
import { compileHeaderMutation, type HeaderMutation } from '../../router/header-mutation.ts';
import { compileLogFilter, type LogFilter } from '../access-log/log-filters.ts';

const MISSING = '-';

interface BodyFormat {
  readonly contentType: string;
  readonly text: (context: LogContext) => string;
}

interface Mapper {
  readonly filter: LogFilter;
  readonly headers: HeaderMutation | null;
  readonly body: string | null;
  readonly status: number | null;
  readonly format: BodyFormat | null;
}

/** Throws an error that names the field. */
export function compileLocalReplies(config: LocalReplyConfig): LocalReplyRewrite {
  const mappers = (config.mappers ?? []).map(compileMapper);
  const common = compileFormat(config.body_format);
  return (reply, { info, request }) => {
    const context = { info, request, response: reply.headers, trailers: null, logType: '' };
    const mapper = mappers.find(({ filter }) => filter({ ...context, localReplyBody: reply.body }));
    mapper?.headers?.apply(reply.headers, { ...context, localReplyBody: reply.body });
    reply.body = mapper?.body ?? reply.body;
    reply.status = mapper?.status ?? reply.status;
    const format = mapper?.format ?? common;
    if (format === null) return;
    info.responseCode = reply.status;
    reply.headers.status = reply.status;
    reply.body = format.text({ ...context, localReplyBody: reply.body });
    reply.contentType = format.contentType;
  };
}

function compileMapper(config: ResponseMapper): Mapper {
  const { body } = config;
  return {
    filter: compileLogFilter(config.filter ?? {}),
    headers: compileHeaderMutation(config.headers_to_add, [], compileHeaderFormat),
    body: body === undefined ? null : (body.inline_string ?? body.inline_bytes?.toString() ?? ''),
    status: config.status_code ?? null,
    format: compileFormat(config.body_format_override),
  };
}

function compileFormat(config: SubstitutionFormatString | undefined): BodyFormat | null {
  if (config === undefined) return null;
  const type = config.content_type ?? '';
  const omitEmpty = config.omit_empty_values ?? false;
  if (config.json_format !== undefined) {
    const sortKeys = config.json_format_options?.sort_properties ?? false;
    const format = compileJsonFormat(config.json_format, { typed: true, omitEmpty, sortKeys });
    const text = written((context, out) => {
      format.write(context, out);
      return true;
    });
    return { contentType: type || 'application/json', text: (context) => String(text(context) ?? '') };
  }
  const source = config.text_format_source;
  const text = source?.inline_string ?? source?.inline_bytes?.toString() ?? config.text_format ?? '';
  return { contentType: type || 'text/plain', text: compileText(text, omitEmpty ? '' : MISSING) };
}

/** Throws `FormatError` on an unknown operator. */
function compileText(format: string, missing: string): (context: LogContext) => string {
  const parts = parseTemplate(format).map((piece) =>
    typeof piece === 'string' ? piece : cut(makeOperator(piece.name, piece.parameter).value, piece.length),
  );
  return (context) =>
    parts.map((part) => (typeof part === 'string' ? part : (part(context) ?? missing))).join('');
}
