/** The way back: messages as protobuf JSON for the dump, and without their secrets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationText, redact, toProtoJson } from '../../src/config/proto-json.ts';

test('durations are printed with as many digits as they need', () => {
  assert.equal(durationText(15_000), '15s');
  assert.equal(durationText(250), '0.250s');
  assert.equal(durationText(0.001), '0.000001s');
  assert.equal(durationText(0.000_001), '0.000000001s');
  assert.equal(durationText(-1500), '-1.500s');
  assert.equal(durationText(999.999_999_9), '1s');
  assert.equal(durationText(0), '0s');
});

test('64-bit numbers become strings, 32-bit ones stay numbers, an Any gets its prefix back', () => {
  const json = toProtoJson('envoy.config.overload.v3.OverloadManager', {
    refresh_interval: 250,
    resource_monitors: [
      {
        name: 'x',
        typed_config: {
          '@type': 'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
          max_active_downstream_connections: 5,
        },
      },
    ],
  });
  assert.deepEqual(json, {
    refresh_interval: '0.250s',
    resource_monitors: [
      {
        name: 'x',
        typed_config: {
          '@type':
            'type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
          max_active_downstream_connections: '5',
        },
      },
    ],
  });
});

test('sensitive fields are blackened at any depth, behind an Any too, and the original stays', () => {
  const socket = {
    name: 'tls',
    typed_config: {
      '@type': 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
      common_tls_context: {
        tls_certificates: [
          {
            certificate_chain: { inline_string: 'public' },
            private_key: { inline_string: 'SECRET' },
            password: { inline_bytes: Buffer.from('SECRET') },
          },
        ],
      },
    },
  };
  const text = JSON.stringify(
    toProtoJson(
      'envoy.config.core.v3.TransportSocket',
      redact('envoy.config.core.v3.TransportSocket', socket),
    ),
  );
  assert.ok(!text.includes('SECRET') && !text.includes(Buffer.from('SECRET').toString('base64')));
  assert.ok(text.includes('"private_key":{"inline_string":"[redacted]"}'));
  assert.ok(text.includes('public'));
  assert.equal(
    socket.typed_config.common_tls_context.tls_certificates[0]?.private_key.inline_string,
    'SECRET',
  );
});
