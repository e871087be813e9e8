import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileJsonFormat } from '../../../src/observe/format/json-format.ts';
import { StreamFixture } from '../support/stream-fixture.ts';
import { lineText } from '../support/line-text.ts';

function finished(): StreamFixture {
  const fixture = new StreamFixture();
  fixture.record.responseCode = 503;
  fixture.record.close(fixture.now + 12.5);
  return fixture;
}

describe('JSON formats', () => {
  it('keep numbers and null when they are typed and the operator stands alone', () => {
    const format = compileJsonFormat(
      {
        duration: '%DURATION%',
        text: '%DURATION%.0',
        none: '%ROUTE_NAME%',
        fixed: 7,
        nested: { code: '%RESPONSE_CODE%' },
        list: ['%PROTOCOL%', 'x'],
      },
      { typed: true, omitEmpty: false },
    );
    const line = lineText(format, finished().context());
    assert.equal(
      line,
      '{"duration":12,"text":"12.0","none":null,"fixed":7,"nested":{"code":503},"list":[null,"x"]}\n',
    );
  });

  it('are all text when they are not typed', () => {
    const format = compileJsonFormat(
      { duration: '%DURATION%', none: '%ROUTE_NAME%' },
      { typed: false, omitEmpty: false },
    );
    assert.equal(lineText(format, finished().context()), '{"duration":"12","none":"-"}\n');
  });

  it('leave out what is empty when told to', () => {
    const format = compileJsonFormat(
      { b: '%ROUTE_NAME%', a: '%DURATION%', c: { d: '%ROUTE_NAME%' }, e: 'x%ROUTE_NAME%' },
      { typed: true, omitEmpty: true, sortKeys: true },
    );
    assert.equal(lineText(format, finished().context()), '{"a":12,"e":"x"}\n');
  });

  it('escape what a peer sends by the rules of JSON, in one line', () => {
    const format = compileJsonFormat({ agent: '%REQ(USER-AGENT)%' }, { typed: true, omitEmpty: false });
    const fixture = finished();
    fixture.request.add('user-agent', 'a"}{"é');
    const line = lineText(format, fixture.context());
    assert.deepEqual(JSON.parse(line), { agent: 'a"}{"é' });
    assert.equal(line.indexOf('\n'), line.length - 1);
  });

  it('list all errors with the place of each and know what must be recorded', () => {
    assert.throws(
      () => compileJsonFormat({ a: { b: '%X%' }, c: ['%CEL(1)%'] }, { typed: true, omitEmpty: false }),
      /a\.b: no such operator in Envoy: %X%; c\[0\]: %CEL% is not supported/,
    );
    const { needs } = compileJsonFormat({ l: '%LEDGER%' }, { typed: true, omitEmpty: false });
    assert.equal(needs.ledger, true);
  });
});
