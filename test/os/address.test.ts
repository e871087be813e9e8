import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { Address } from '../../src/api/socket.ts';
import { SOCKADDR_BYTES, decodeAddress, encodeAddress } from '../../src/os/address.ts';

function roundTrip(address: Address): Address {
  const bytes = Buffer.alloc(SOCKADDR_BYTES);
  return decodeAddress(bytes, 0, encodeAddress(bytes, 0, address));
}

describe('a socket address', () => {
  test('IPv4 survives the trip through struct sockaddr', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 0, max: 65535 }), (ip, port) => {
        const address: Address = { kind: 'ip', ip, port, family: 4 };
        assert.deepEqual(roundTrip(address), address);
      }),
    );
  });

  test('IPv6 comes back in the canonical form that URLs have (RFC 5952)', () => {
    fc.assert(
      fc.property(fc.ipV6(), (ip) => {
        fc.pre(isIPv6(ip));
        const back = roundTrip({ kind: 'ip', ip, port: 1, family: 6 });
        const canonical = new URL(`http://[${ip}]`).hostname.slice(1, -1);
        fc.pre(!canonical.startsWith('::ffff:'));
        assert.equal(back.kind === 'ip' && back.ip, canonical);
      }),
    );
  });

  test('a mapped IPv4 address is told as IPv4', () => {
    const back = roundTrip({ kind: 'ip', ip: '::ffff:10.1.2.3', port: 80, family: 6 });
    assert.deepEqual(back, { kind: 'ip', ip: '10.1.2.3', port: 80, family: 4 });
  });

  test('unix paths and abstract names survive', () => {
    for (const path of ['/run/a.sock', '@abstract-name']) {
      assert.deepEqual(roundTrip({ kind: 'pipe', path }), { kind: 'pipe', path });
    }
  });
});
