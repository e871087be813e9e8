/**
 * Checks of the small languages inside a configuration: regular expressions (RE2), substitutions, log formats.
 *
 * The RE2 engine is loaded when the first expression is met: a configuration without one does not pay for it.
 */
import { createRequire } from 'node:module';
import type * as Re2 from 're2js';
import type {
  AccessLog,
  FileAccessLog,
  HeaderValue,
  Http1ProtocolOptionsHeaderKeyFormat,
  RegexMatchAndSubstitute,
  RegexMatcher,
  ResponseMapper,
  SubstitutionFormatString,
} from '../../api/envoy.ts';
import type { CheckContext } from './context.ts';

const loadModule = createRequire(import.meta.url);
const HEADER_FORMATTERS = 'envoy.extensions.http.header_formatters.';

export function checkRegex(matcher: RegexMatcher, path: string, context: CheckContext): void {
  const fault = compile(matcher.regex ?? '').fault;
  if (fault !== '') context.report(matcher, 'regex', `${path}.regex`, `not a valid RE2 expression: ${fault}`);
}

/** `\0` to `\9` name groups of the pattern, `\\` is a backslash; anything else behind a backslash is an error, as in RE2. */
export function checkSubstitution(
  rewrite: RegexMatchAndSubstitute,
  path: string,
  context: CheckContext,
): void {
  const { groups, fault } = compile(rewrite.pattern?.regex ?? '');
  if (fault !== '') return;
  for (const [escape, character] of (rewrite.substitution ?? '').matchAll(/\\(.?)/gs)) {
    if (character === '\\') continue;
    const known = character !== undefined && /^\d$/.test(character) && Number(character) <= groups;
    if (known) continue;
    const text = `"${escape}" names no group of the pattern, which has ${groups}`;
    context.report(rewrite, 'substitution', `${path}.substitution`, text);
  }
}

function compile(regex: string): { readonly groups: number; readonly fault: string } {
  const { RE2JS } = loadModule('re2js') as typeof Re2;
  try {
    return { groups: RE2JS.compile(regex).groupCount(), fault: '' };
  } catch (error) {
    return { groups: 0, fault: error instanceof Error ? error.message : String(error) };
  }
}

export function checkFormatString(
  format: SubstitutionFormatString,
  path: string,
  context: CheckContext,
): void {
  checkFormat(format, 'text_format', format.text_format, `${path}.text_format`, context);
  const source = format.text_format_source;
  const text = source?.inline_string ?? source?.inline_bytes?.toString('utf8');
  if (source !== undefined) {
    checkFormat(source, 'inline_string', text, `${path}.text_format_source.inline_string`, context);
  }
  checkJsonFormat(format, 'json_format', format.json_format, `${path}.json_format`, context);
}

export function checkFileAccessLog(log: FileAccessLog, path: string, context: CheckContext): void {
  checkFormat(log, 'format', log.format, `${path}.format`, context);
  checkJsonFormat(log, 'json_format', log.json_format, `${path}.json_format`, context);
  checkJsonFormat(log, 'typed_json_format', log.typed_json_format, `${path}.typed_json_format`, context);
}

export function checkAccessLog(log: AccessLog, path: string, context: CheckContext): void {
  if (log.typed_config === undefined) context.report(log, '', `${path}.typed_config`, 'required');
}

export function checkAddedHeader(header: HeaderValue, path: string, context: CheckContext): void {
  const fault = context.checks.headerFormat?.(header.value ?? '') ?? null;
  if (fault !== null) context.report(header, 'value', `${path}.value`, fault);
}

export function checkResponseMapper(mapper: ResponseMapper, path: string, context: CheckContext): void {
  const fault = context.checks.addedHeaders?.(mapper.headers_to_add ?? []) ?? null;
  if (fault !== null) context.report(mapper, 'headers_to_add', `${path}.headers_to_add`, fault);
}

export function checkHeaderKeyFormat(
  format: Http1ProtocolOptionsHeaderKeyFormat,
  path: string,
  context: CheckContext,
): void {
  const formatter = format.stateful_formatter;
  if (formatter === undefined || formatter.typed_config?.['@type'].startsWith(HEADER_FORMATTERS)) return;
  context.report(formatter, '', `${path}.stateful_formatter`, 'needs the typed_config of a header formatter');
}

function checkFormat(
  message: object,
  field: string,
  format: string | undefined,
  path: string,
  context: CheckContext,
): void {
  const fault = format === undefined ? null : (context.checks.accessLogFormat?.(format) ?? null);
  if (fault !== null) context.report(message, field, path, fault);
}

function checkJsonFormat(
  message: object,
  field: string,
  format: unknown,
  path: string,
  context: CheckContext,
): void {
  if (typeof format === 'string') {
    checkFormat(message, field, format, path, context);
  } else if (Array.isArray(format)) {
    for (const [index, item] of format.entries()) {
      checkJsonFormat(message, field, item, `${path}[${index}]`, context);
    }
  } else if (typeof format === 'object' && format !== null) {
    for (const [key, item] of Object.entries(format)) {
      checkJsonFormat(message, field, item, `${path}.${key}`, context);
    }
  }
}
