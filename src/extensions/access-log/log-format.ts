/**
 * From the configuration of a logger to the format of its lines: text, JSON, or Envoy's default when there is none.
 */
import { readFileSync } from 'node:fs';
import type { DataSource, FileAccessLog, SubstitutionFormatString } from '../../api/envoy.ts';
import { DEFAULT_FORMAT } from '../../observe/format/instrumented-format.ts';
import { compileJsonFormat } from '../../observe/format/json-format.ts';
import { compileTextFormat, type LineFormat } from '../../observe/format/text-format.ts';

/** What `omit_empty_values` prints in text: nothing. */
const OMITTED = '';

/** Throws `FormatError`, or the system's error for a file that cannot be read. */
export function compileLogFormat(config: SubstitutionFormatString | undefined): LineFormat {
  if (config === undefined) return compileTextFormat(DEFAULT_FORMAT);
  const omitEmpty = config.omit_empty_values ?? false;
  if (config.json_format !== undefined) {
    const sortKeys = config.json_format_options?.sort_properties ?? false;
    return compileJsonFormat(config.json_format, { typed: true, omitEmpty, sortKeys });
  }
  const text =
    config.text_format_source === undefined ? config.text_format : textOf(config.text_format_source);
  if (text === undefined || text === '') return compileTextFormat(DEFAULT_FORMAT);
  return omitEmpty ? compileTextFormat(text, OMITTED) : compileTextFormat(text);
}

/** A file log may also carry its format in fields that Envoy deprecates. */
export function compileFileFormat(config: FileAccessLog): LineFormat {
  if (config.log_format !== undefined) return compileLogFormat(config.log_format);
  if (config.json_format !== undefined)
    return compileJsonFormat(config.json_format, { typed: false, omitEmpty: false });
  if (config.typed_json_format !== undefined)
    return compileJsonFormat(config.typed_json_format, { typed: true, omitEmpty: false });
  return compileTextFormat(
    config.format === undefined || config.format === '' ? DEFAULT_FORMAT : config.format,
  );
}

function textOf(source: DataSource): string | undefined {
  if (source.inline_string !== undefined) return source.inline_string;
  if (source.inline_bytes !== undefined) return source.inline_bytes.toString();
  if (source.filename !== undefined) return readFileSync(source.filename, 'utf8');
  if (source.environment_variable !== undefined) return process.env[source.environment_variable] ?? '';
  return undefined;
}
