import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import { HeaderList } from '../../../src/codec/header-map.ts';
import { INSTRUMENTED_FORMAT, ISTIO_FORMAT } from '../../../src/observe/format/instrumented-format.ts';
import { checkFormat, compileTextFormat } from '../../../src/observe/format/text-format.ts';
import { operatorNames } from '../../../src/observe/format/operators.ts';
import { parseInstrumentedLine } from '../../../src/observe/grammar/instrumented-line.ts';
import { StreamFixture } from '../support/stream-fixture.ts';
import { lineText } from '../support/line-text.ts';

function format(text: string, fixture: StreamFixture): string {
  return lineText(compileTextFormat(text), fixture.context());
}

/** A finished exchange: start 06:00:01.000 UTC, numbers of the talk's sample S8. */
function exchange(): StreamFixture {
  const fixture = new StreamFixture();
  const { record, now, request, response } = fixture;
  record.protocol = 'HTTP/1.1';
  record.responseCode = 200;
  record.responseCodeDetails = 'via upstream';
  record.requestLastByteAt = now + 37.2;
  record.upstream.requestFirstByteAt = now + 47;
  record.upstream.requestLastByteAt = now + 47.999;
  record.upstream.responseFirstByteAt = now + 109;
  record.upstream.poolReadyAt = now + 46;
  record.upstream.host = { kind: 'ip', ip: '10.244.1.19', port: 9000, family: 4 };
  record.upstream.localAddress = { kind: 'ip', ip: 'fd00::2', port: 55_632, family: 6 };
  record.responseLastByteAt = now + 109.5;
  record.routeName = 'default';
  record.clusterName = 'outbound|9000||echo';
  request.add('User-Agent', 'curl/8.4.0');
  response.add('x-envoy-upstream-service-time', '72');
  fixture.dispatcher.clock.time += 109.9;
  record.close(fixture.now);
  return fixture;
}

describe('text formats', () => {
  it('print the instrumented line of an exchange', () => {
    const fixture = exchange();
    assert.equal(
      format(INSTRUMENTED_FORMAT, fixture),
      '[2026-11-21T06:00:01.000Z] "GET /a?b=c HTTP/1.1" 200 - via_upstream - "-" 0 0 109 72 "-" "curl/8.4.0" "-" ' +
        '"example.test:80" "10.244.1.19:9000" outbound|9000||echo [fd00::2]:55632 127.0.0.1:10000 127.0.0.2:40000 - default' +
        ' : 109, 37, 47, 109, 0, 72 : (42) "-" "-" "-" 109 0\n',
    );
  });

  it('add the instrumented part behind the base line without changing a byte of it', () => {
    const fixture = exchange();
    const base = format(ISTIO_FORMAT, fixture).trimEnd();
    assert.ok(format(INSTRUMENTED_FORMAT, fixture).startsWith(`${base} : `));
  });

  it('print a dash for whatever there is not', () => {
    const fixture = new StreamFixture();
    fixture.record.close(fixture.now);
    const line = lineText(
      compileTextFormat(INSTRUMENTED_FORMAT),
      fixture.context({ request: null, response: null }),
    );
    const parsed = parseInstrumentedLine(line);
    assert.equal(parsed?.base?.method, null);
    assert.equal(parsed?.six?.responseDuration, null);
    assert.deepEqual(parsed?.tail, [null, null]);
  });

  it('say of an unknown operator whether Envoy has it, and of all errors at once', () => {
    assert.equal(checkFormat('%DURATION% %%'), null);
    const error = checkFormat('%NONSENSE% %CEL(x)% %BYTES_SNT% %COMMON_DURATION(DS_RX_BEG:X)% %REQ%') ?? '';
    assert.match(error, /no such operator in Envoy: %NONSENSE%/);
    assert.match(error, /%CEL% is not supported by nodeproxy yet/);
    assert.match(error, /BYTES_SENT is meant/);
    assert.match(error, /%COMMON_DURATION\(DS_RX_BEG:X\)%/);
    assert.match(error, /%REQ% needs a header name/);
    assert.match(checkFormat('50% off') ?? '', /no operator begins at position 2/);
    assert.match(checkFormat('%REQ(A') ?? '', /does not end/);
    assert.match(checkFormat('%THREAD_ID(x)%') ?? '', /takes no parameter/);
    assert.match(checkFormat('%DURATION(x)%') ?? '', /ms, us or ns expected/);
  });

  it('take an alternative header, a length, and the other names of operators', () => {
    const fixture = exchange();
    fixture.request.add('x-long', 'abcdefgh');
    assert.equal(
      format(
        '%REQ(NOT-THERE?X-LONG):3% %REQUEST_HEADER(X-LONG)% %REQ(:AUTHORITY):7% %RESP(:STATUS)%',
        fixture,
      ),
      'abc abcdefgh example 200',
    );
    assert.equal(format('%PATH(NQ)% %PATH(WQ:PATH)% %PATH(WQ:ORIG)%', fixture), '/a /a?b=c -');
    assert.equal(format('%QUERY_PARAM(b)% %QUERY_PARAMS(ORIG)% %QUERY_PARAM(x)%', fixture), 'c b=c -');
  });

  it('print percent signs, environment, host and log type', () => {
    process.env['NODEPROXY_TEST_VALUE'] = 'here';
    const text = format('100%% %ENVIRONMENT(NODEPROXY_TEST_VALUE)% %HOSTNAME% %ACCESS_LOG_TYPE%', exchange());
    assert.equal(text, `100% here ${hostname()} DownstreamEnd`);
  });

  it('print addresses whole, without port, as networks, and ports alone', () => {
    const fixture = exchange();
    assert.equal(
      format(
        '%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)% ' +
          '%UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(12)% %DOWNSTREAM_REMOTE_PORT% %DOWNSTREAM_LOCAL_ADDRESS_PORT%',
        fixture,
      ),
      '10.244.1.19:9000 10.244.1.19 10.244.0.0/16 fd00::/12 40000 10000',
    );
    fixture.record.upstream.host = { kind: 'pipe', path: '/run/x.sock' };
    assert.equal(format('%UPSTREAM_HOST% %UPSTREAM_REMOTE_PORT%', fixture), '/run/x.sock -');
  });

  it('measure between any two time points, and give set-up of a reused connection no time', () => {
    const fixture = exchange();
    const { record } = fixture;
    const points = '%COMMON_DURATION(DS_RX_BEG:US_TX_END:us)% %COMMON_DURATION(US_TX_END:DS_RX_END:ms)%';
    assert.equal(format(points, fixture), '47999 -11');
    record.upstream.connectionId = 9;
    record.upstream.connectStartAt = record.startAt - 500;
    record.upstream.connectedAt = record.startAt - 490;
    assert.equal(format('%COMMON_DURATION(US_CX_BEG:US_CX_END)%', fixture), '0');
    record.upstream.createdConnectionId = 9;
    assert.equal(format('%COMMON_DURATION(US_CX_BEG:US_CX_END)%', fixture), '10');
    assert.equal(format('%UPSTREAM_CONNECTION_POOL_READY_DURATION%', fixture), '46');
  });

  it('print flags short and long, details, metadata and the local reply', () => {
    const fixture = exchange();
    const { record } = fixture;
    record.setFlag('URX');
    record.setFlag('UF');
    record.metadata.set('ns', new Map<string, unknown>([['key', { deep: 7 }]]));
    const context = fixture.context({ localReplyBody: 'no healthy upstream' });
    const text = lineText(
      compileTextFormat(
        '%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG% %RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)% ' +
          '%DYNAMIC_METADATA(ns:key:deep)% %DYNAMIC_METADATA(ns:none)% %LOCAL_REPLY_BODY%',
      ),
      context,
    );
    assert.equal(
      text,
      'UF,URX UpstreamConnectionFailure,UpstreamRetryLimitExceeded via upstream 7 - no healthy upstream',
    );
  });

  it('print the ledger, its verdict and the turns', () => {
    const fixture = new StreamFixture();
    const { record, dispatcher, now } = fixture;
    record.ledger.enter('upstream', now + 1);
    dispatcher.turn = 7;
    record.noteFilterTime(0, 1.5);
    record.close(now + 10);
    assert.equal(
      format('%LEDGER% | %VERDICT% | %LOOP_TURN% | %FILTER_DURATION%', fixture),
      'client=1000,upstream=9000 | upstream 9.0ms 90% | 0-7 | lua=1500',
    );
  });

  it('say what must be recorded for them', () => {
    assert.deepEqual(compileTextFormat('%DURATION%').needs, {
      downstreamRead: false,
      upstreamWrite: false,
      upstreamRead: false,
      downstreamWrite: false,
      ledger: false,
    });
    const { needs } = compileTextFormat('%VERDICT% %UPSTREAM_READ_DURATION(us)%');
    assert.deepEqual([needs.ledger, needs.upstreamRead, needs.upstreamWrite], [true, true, false]);
  });

  it('of every operator there is can be compiled and written for an empty stream', () => {
    const parameters: Record<string, string> = {
      REQ: '(A)', REQUEST_HEADER: '(A)', RESP: '(A)', RESPONSE_HEADER: '(A)', TRAILER: '(A)', RESPONSE_TRAILER: '(A)',
      COMMON_DURATION: '(DS_RX_BEG:DS_TX_END)', QUERY_PARAM: '(a)', DYNAMIC_METADATA: '(a:b)', ENVIRONMENT: '(A)',
    }; // prettier-ignore
    for (const name of operatorNames()) {
      const compiled = compileTextFormat(`%${name}${parameters[name] ?? ''}%`);
      assert.equal(
        typeof lineText(compiled, new StreamFixture().context({ request: null, response: null })),
        'string',
      );
    }
  });

  it('are not forged by anything that a peer sends', () => {
    const evil = '" 200 - \r\n[2026-01-01T00:00:00.000Z] "GET /forged" : (1) "-" "-" "-" 1 1\n\u001b[2J\\ é';
    const fixture = exchange();
    const { record } = fixture;
    // A lenient map: ours refuses line breaks, another filter's might not.
    const request = lenient(evil);
    record.responseCodeDetails = evil;
    record.upstream.transportFailureReason = evil;
    const context = fixture.context({ request, response: request });
    const line = lineText(compileTextFormat(INSTRUMENTED_FORMAT), context);
    assert.equal(line.split('\n').length, 2, 'one line, one newline');
    assert.match(line, /^[\u0020-\u007e]*\n$/, 'nothing but printable ASCII');
    assert.ok(line.includes(String.raw`\x22 200 - \x0d\x0a[2026`));
    assert.ok(line.includes(String.raw`\x1b[2J\x5c \xe9`));
    const parsed = parseInstrumentedLine(
      line.replace(': 109, 37, 47, 109, 0, ', ': 109, 37, 47, 109, 0, 0 '),
    );
    assert.equal(parsed?.threadId, 42, 'the thread is ours, not the forged one');
  });

  it('cut values of absurd length', () => {
    const line = lineText(
      compileTextFormat('%REQ(A)%'),
      new StreamFixture().context({ request: lenient('x'.repeat(60_000)) }),
    );
    assert.equal(line.length, 8192);
  });
});

/** A header map that holds what no parser lets through. */
function lenient(value: string): HeaderList {
  const headers = HeaderList.request('GET', '/', 'a');
  const get = (): string => value;
  Object.defineProperties(headers, { get: { value: get }, path: { value }, authority: { value } });
  return headers;
}
