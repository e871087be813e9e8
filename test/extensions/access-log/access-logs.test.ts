import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AccessLog, AccessLogFilter } from '../../../src/api/envoy.ts';
import type { LineSink } from '../../../src/api/observe.ts';
import { checkAccessLog, createAccessLogs } from '../../../src/extensions/access-log/access-logs.ts';
import { compileLogFilter } from '../../../src/extensions/access-log/log-filters.ts';
import { LineList } from '../../support/line-list.ts';
import { StreamFixture } from '../../observe/support/stream-fixture.ts';

const FILE = 'envoy.extensions.access_loggers.file.v3.FileAccessLog' as const;
const STDOUT = 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog' as const;

class Sinks {
  readonly #lists = new Map<string, LineList>();
  readonly open = (path: string): LineSink => {
    const list = this.#lists.get(path) ?? new LineList();
    this.#lists.set(path, list);
    return list;
  };

  /** With the path that each went to in front. */
  get lines(): string[] {
    return [...this.#lists].flatMap(([path, { lines }]) => lines.map((line) => `${path} ${line}`));
  }
}

function file(format: string, filter?: AccessLogFilter): AccessLog {
  const typed = {
    '@type': FILE,
    path: '/x',
    log_format: { text_format_source: { inline_string: format } },
  } as const;
  return filter === undefined ? { typed_config: typed } : { typed_config: typed, filter };
}

/** Whether a stream of the fixture is logged under the filter. */
function passes(filter: AccessLogFilter, fixture: StreamFixture): boolean {
  const sinks = new Sinks();
  createAccessLogs([file('x', filter)], sinks.open).log(fixture.context());
  return sinks.lines.length === 1;
}

function ended(code: number, ms = 0): StreamFixture {
  const fixture = new StreamFixture();
  fixture.record.responseCode = code;
  fixture.record.close(fixture.now + ms);
  return fixture;
}

describe('access logs', () => {
  it('write to files and standard streams in the formats of Envoy', () => {
    const sinks = new Sinks();
    const logs = createAccessLogs(
      [
        file('%RESPONSE_CODE%\n'),
        { typed_config: { '@type': STDOUT, log_format: { json_format: { code: '%RESPONSE_CODE%' } } } },
        { typed_config: { '@type': FILE, path: '/y', format: '[%PROTOCOL%]\n' } },
        { typed_config: { '@type': FILE, path: '/z', json_format: { code: '%RESPONSE_CODE%' } } },
      ],
      sinks.open,
    );
    logs.log(ended(204).context());
    assert.deepEqual(sinks.lines, [
      '/x 204\n',
      '/dev/stdout {"code":204}\n',
      '/y [-]\n',
      '/z {"code":"204"}\n',
    ]);
  });

  it('have the default format of Envoy when they name none', () => {
    const sinks = new Sinks();
    createAccessLogs([{ typed_config: { '@type': STDOUT } }], sinks.open).log(ended(200).context());
    assert.match(sinks.lines[0] ?? '', /\[2026-11-21T06:00:01\.000Z\] "GET \/a\?b=c -" 200 - 0 0 0 - "-"/);
  });

  it('need the union of what their formats print', () => {
    const sinks = new Sinks();
    const logs = createAccessLogs([file('%LEDGER%'), file('%UPSTREAM_READ_DURATION%')], sinks.open);
    assert.deepEqual(
      [logs.needs.ledger, logs.needs.upstreamRead, logs.needs.downstreamRead],
      [true, true, false],
    );
    assert.equal(logs.empty, false);
    assert.equal(createAccessLogs([], sinks.open).empty, true);
  });

  it('refuse what they do not know with the number of the entry', () => {
    const sinks = new Sinks();
    assert.throws(
      () => createAccessLogs([file('x'), file('%X%')], sinks.open),
      /access_log\[1\]: no such operator in Envoy: %X%/,
    );
    assert.match(checkAccessLog({}) ?? '', /typed_config is missing/);
    assert.match(checkAccessLog({ typed_config: { '@type': FILE } }) ?? '', /needs a path/);
    assert.match(
      checkAccessLog(file('x', { extension_filter: {} })) ?? '',
      /extension_filter is not supported/,
    );
    assert.match(
      checkAccessLog(file('x', { response_flag_filter: { flags: ['XX'] } })) ?? '',
      /no such response flag in Envoy: XX/,
    );
    assert.equal(checkAccessLog(file('x')), null);
  });
});

describe('filters of access logs', () => {
  it('compare the status and the duration', () => {
    const comparison = { op: 'GE', value: { default_value: 500, runtime_key: 'x' } } as const;
    assert.equal(passes({ status_code_filter: { comparison } }, ended(503)), true);
    assert.equal(passes({ status_code_filter: { comparison } }, ended(499)), false);
    assert.equal(passes({ duration_filter: { comparison } }, ended(200, 500.0004)), true);
    assert.equal(passes({ duration_filter: { comparison } }, ended(200, 499.99)), false);
    const equal = { op: 'EQ', value: { default_value: 404 } } as const;
    assert.equal(passes({ status_code_filter: { comparison: equal } }, ended(404)), true);
    const atMost = { op: 'LE', value: { default_value: 404 } } as const;
    assert.equal(passes({ status_code_filter: { comparison: atMost } }, ended(405)), false);
  });

  it('look for response flags, one of those named or any', () => {
    const failed = ended(503);
    failed.record.setFlag('UF');
    assert.equal(passes({ response_flag_filter: { flags: ['UH', 'UF'] } }, failed), true);
    assert.equal(passes({ response_flag_filter: { flags: ['UH'] } }, failed), false);
    assert.equal(passes({ response_flag_filter: {} }, failed), true);
    assert.equal(passes({ response_flag_filter: {} }, ended(200)), false);
    const highest = ended(200);
    highest.record.setFlag('DR');
    assert.equal(passes({ response_flag_filter: {} }, highest), true);
  });

  it('join others by and, by or, and match headers', () => {
    const never: AccessLogFilter = { or_filter: { filters: [] } };
    const always: AccessLogFilter = { and_filter: { filters: [] } };
    assert.equal(passes({ and_filter: { filters: [always, never] } }, ended(200)), false);
    assert.equal(passes({ or_filter: { filters: [never, always] } }, ended(200)), true);
    const fixture = ended(200);
    fixture.request.add('x-debug', 'yes');
    const header = { name: 'X-Debug', string_match: { exact: 'yes' } };
    assert.equal(passes({ header_filter: { header } }, fixture), true);
    assert.equal(passes({ header_filter: { header } }, ended(200)), false);
  });

  it('take a stream whose head never became whole for one without headers', () => {
    const context = { ...ended(400).context(), request: null };
    const present = { name: 'x-debug', present_match: true };
    assert.equal(compileLogFilter({ header_filter: { header: present } })(context), false);
    assert.equal(
      compileLogFilter({ header_filter: { header: { ...present, invert_match: true } } })(context),
      true,
    );
  });

  it('sample by a share', () => {
    const filter = {
      runtime_filter: { percent_sampled: { numerator: 25, denominator: 'TEN_THOUSAND' } },
    } as const;
    const fixture = ended(200);
    fixture.dispatcher.randoms.push(0.0024, 0.0025);
    assert.equal(passes(filter, fixture), true);
    assert.equal(passes(filter, fixture), false);
  });

  it('leave out health checks and kinds of records', () => {
    const check = ended(200);
    check.request.add('user-agent', 'Envoy/HC');
    assert.equal(passes({ not_health_check_filter: {} }, check), false);
    assert.equal(passes({ not_health_check_filter: {} }, ended(200)), true);
    assert.equal(passes({ log_type_filter: { types: ['DownstreamEnd'] } }, ended(200)), true);
    assert.equal(passes({ log_type_filter: { types: ['DownstreamEnd'], exclude: true } }, ended(200)), false);
  });

  it('know gRPC statuses', () => {
    const fixture = ended(200);
    fixture.response.add('grpc-status', '14');
    assert.equal(passes({ grpc_status_filter: { statuses: ['UNAVAILABLE'] } }, fixture), true);
    assert.equal(passes({ grpc_status_filter: { statuses: ['OK'] } }, fixture), false);
    assert.equal(passes({ grpc_status_filter: { statuses: ['OK'], exclude: true } }, fixture), true);
  });
});
