/**
 * `local_reply_config` through the whole proxy: which mapper a reply meets, and what becomes of its status, body, type and headers.
 * The upstream is a closed port, so that requests for it are answered by the proxy itself.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { request } from 'undici';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import type { Json, RunningProxy } from '../support/proxy.ts';
import { INTERFACES } from '../support/thread.ts';

const CLOSED_PORT = 1;
const status = (op: string, value: number): Json => ({
  status_code_filter: { comparison: { op, value: { default_value: value, runtime_key: 'x' } } },
});

const REPLIES: Json = {
  mappers: [
    {
      filter: { and_filter: { filters: [status('EQ', 503), { response_flag_filter: { flags: ['UF'] } }] } },
      status_code: 504,
      body: { inline_string: 'come back <later>' },
      body_format_override: {
        text_format_source: {
          inline_string: '<p>%LOCAL_REPLY_BODY%</p> %RESPONSE_CODE% %REQ(:PATH)% %REQ(x-none)%',
        },
        content_type: 'text/html; charset=UTF-8',
      },
      headers_to_add: [
        { header: { key: 'x-flags', value: '%RESPONSE_FLAGS%' } },
        { header: { key: 'x-own', value: 'mapped' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
      ],
    },
    { filter: status('EQ', 404), headers_to_add: [{ header: { key: 'x-which', value: 'second' } }] },
    { filter: status('GE', 400), body: { inline_string: 'never reached by 404' } },
  ],
  body_format: { json_format: { code: '%RESPONSE_CODE%', text: '%LOCAL_REPLY_BODY%' } },
};

const DIRECT: Json = {
  name: 'direct',
  match: { path: '/direct' },
  direct_response: { status: 404, body: { inline_string: 'not "here"' } },
  response_headers_to_add: [{ header: { key: 'content-type', value: 'text/x-own' } }],
};
const FORWARDED: Json = { name: 'forwarded', match: { prefix: '/' }, route: { cluster: 'upstream' } };

function resources(local?: Json): Json {
  const hosts = [{ name: 'all', domains: ['*'], routes: [DIRECT, FORWARDED] }];
  const manager = { route_config: { name: 'routes', virtual_hosts: hosts } };
  const format = '%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_SENT% %LOCAL_REPLY_BODY%\n';
  const more = local === undefined ? {} : { local_reply_config: local };
  return httpProxyTo([CLOSED_PORT], { manager: { ...manager, ...more }, format });
}

for (const socketInterface of INTERFACES) {
  describe(`the proxy's own replies on the ${socketInterface} interface`, () => {
    let proxy: RunningProxy;
    before(async () => {
      proxy = await startProxy({ staticResources: resources(REPLIES), socketInterface });
    });
    after(() => proxy.stop());

    test('the first mapper that matches gives status, body, type and headers', async () => {
      const { statusCode, headers, body } = await request(`http://127.0.0.1:${proxy.port('http')}/a?b`);
      const text = '<p>come back <later></p> 504 /a?b -';
      assert.deepEqual([statusCode, await body.text()], [504, text]);
      assert.equal(headers['content-type'], 'text/html; charset=UTF-8');
      assert.equal(headers['content-length'], String(text.length));
      assert.deepEqual([headers['x-flags'], headers['x-own']], ['UF', 'mapped']);
      const [line] = await proxy.logLines(1);
      assert.match(line ?? '', new RegExp(`^504 UF ${text.length} upstream connect error`));
      assert.equal(await proxy.stat('http.ingress.downstream_rq_5xx'), 1);
    });

    test('a mapper without a format uses the one for all, and later mappers are not asked', async () => {
      const { statusCode, headers, body } = await request(`http://127.0.0.1:${proxy.port('http')}/direct`);
      assert.equal(statusCode, 404);
      assert.deepEqual(JSON.parse(await body.text()), { code: 404, text: 'not "here"' });
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['x-which'], 'second');
    });

    test('gRPC is told in its own words', async () => {
      const { statusCode, headers, body } = await request(`http://127.0.0.1:${proxy.port('http')}/a`, {
        method: 'POST',
        headers: { 'content-type': 'application/grpc' },
      });
      assert.deepEqual([statusCode, await body.text()], [200, '']);
      assert.deepEqual([headers['grpc-status'], headers['content-type']], ['14', 'application/grpc']);
      assert.equal(headers['grpc-message'], '<p>come back <later></p> 504 /a -');
    });
  });
}

test('without a configuration a reply keeps its body, and the content type that its route gave it', async () => {
  const proxy = await startProxy({ staticResources: resources() });
  try {
    const { headers, body } = await request(`http://127.0.0.1:${proxy.port('http')}/direct`);
    assert.equal(await body.text(), 'not "here"');
    assert.equal(headers['content-type'], 'text/x-own');
  } finally {
    await proxy.stop();
  }
});
