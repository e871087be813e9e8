import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FilterChain, FilterChainMatch } from '../../src/api/envoy.ts';
import type { Address } from '../../src/api/socket.ts';
import { ChainMatcher } from '../../src/listener/chain-matcher.ts';
import type { ConnectionTraits } from '../../src/listener/chain-matcher.ts';

function ip(text: string): Address {
  const at = text.lastIndexOf(':');
  const host = text.slice(0, at).replace(/[[\]]/g, '');
  return { kind: 'ip', ip: host, port: Number(text.slice(at + 1)), family: host.includes(':') ? 6 : 4 };
}

function traits(local: string, remote: string, more: Partial<ConnectionTraits> = {}): ConnectionTraits {
  return {
    local: ip(local),
    remote: ip(remote),
    serverName: '',
    transportProtocol: 'raw_buffer',
    applicationProtocols: [],
    ...more,
  };
}

function chain(name: string, match: FilterChainMatch): FilterChain {
  return { name, filter_chain_match: match };
}

const range = (cidr: string): { address_prefix: string; prefix_len: number } => {
  const [prefix = '', length = '0'] = cidr.split('/');
  return { address_prefix: prefix, prefix_len: Number(length) };
};

const ports = [
  chain('any', {}),
  chain('9000', { destination_port: 9000 }),
  chain('9001', { destination_port: 9001 }),
];
const nets = [
  chain('all', { prefix_ranges: [range('0.0.0.0/0')] }),
  chain('ten', { prefix_ranges: [range('10.0.0.0/8')] }),
  chain('ten-one', { prefix_ranges: [range('10.1.0.0/16'), range('10.2.0.0/16')] }),
  chain('host', { prefix_ranges: [range('10.1.2.3/32')] }),
  chain('six', { prefix_ranges: [range('fd00::/8')] }),
];
const sources = [
  chain('near', { source_type: 'SAME_IP_OR_LOOPBACK' }),
  chain('far', { source_type: 'EXTERNAL' }),
];
const clients = [
  chain('office', { source_prefix_ranges: [range('192.168.0.0/16')] }),
  chain('desk', { source_prefix_ranges: [range('192.168.7.0/24')] }),
  chain('desk-port', { source_prefix_ranges: [range('192.168.7.0/24')], source_ports: [5000, 5001] }),
];
const names = [
  chain('exact', { server_names: ['a.example.com'] }),
  chain('wild', { server_names: ['*.example.com'] }),
  chain('wilder', { server_names: ['*.com'] }),
  chain('plain', {}),
];
const protocols = [
  chain('tls-h2', { transport_protocol: 'tls', application_protocols: ['h2'] }),
  chain('tls', { transport_protocol: 'tls' }),
  chain('raw', { transport_protocol: 'raw_buffer' }),
];

const cases: readonly [string, readonly FilterChain[], ConnectionTraits, string | null][] = [
  ['the port that is asked for', ports, traits('127.0.0.1:9000', '127.0.0.1:1'), '9000'],
  ['another port', ports, traits('127.0.0.1:9001', '127.0.0.1:1'), '9001'],
  ['the chain without a port for any other', ports, traits('127.0.0.1:80', '127.0.0.1:1'), 'any'],
  [
    'nothing when every chain asks for another port',
    ports.slice(1),
    traits('127.0.0.1:80', '127.0.0.1:1'),
    null,
  ],
  ['a /0 range', nets, traits('11.0.0.1:1', '1.1.1.1:1'), 'all'],
  ['a /8 before a /0', nets, traits('10.9.0.1:1', '1.1.1.1:1'), 'ten'],
  ['a /16 before a /8', nets, traits('10.1.0.1:1', '1.1.1.1:1'), 'ten-one'],
  ['the second range of a list', nets, traits('10.2.0.1:1', '1.1.1.1:1'), 'ten-one'],
  ['a host before its net', nets, traits('10.1.2.3:1', '1.1.1.1:1'), 'host'],
  ['an IPv6 range', nets, traits('[fd00::5]:1', '[fd00::6]:1'), 'six'],
  ['no IPv4 range for an IPv6 address', nets, traits('[2001:db8::5]:1', '[2001:db8::6]:1'), null],
  ['loopback as near', sources, traits('10.0.0.1:1', '127.0.0.9:1'), 'near'],
  ['the same address as near', sources, traits('10.0.0.1:1', '10.0.0.1:7'), 'near'],
  ['IPv6 loopback as near', sources, traits('[::1]:1', '[::1]:7'), 'near'],
  ['any other address as external', sources, traits('10.0.0.1:1', '10.0.0.2:1'), 'far'],
  ['a source net', clients, traits('10.0.0.1:1', '192.168.1.1:5000'), 'office'],
  ['a narrower source net', clients, traits('10.0.0.1:1', '192.168.7.1:4000'), 'desk'],
  ['a source port within the net', clients, traits('10.0.0.1:1', '192.168.7.1:5001'), 'desk-port'],
  ['nothing for a source outside', clients, traits('10.0.0.1:1', '172.16.0.1:5000'), null],
  ['an exact server name', names, traits('1.1.1.1:1', '2.2.2.2:2', { serverName: 'a.example.com' }), 'exact'],
  ['the longest wildcard', names, traits('1.1.1.1:1', '2.2.2.2:2', { serverName: 'b.example.com' }), 'wild'],
  ['a shorter wildcard', names, traits('1.1.1.1:1', '2.2.2.2:2', { serverName: 'other.com' }), 'wilder'],
  ['the chain without names when there is none', names, traits('1.1.1.1:1', '2.2.2.2:2'), 'plain'],
  ['raw transport without an inspector', protocols, traits('1.1.1.1:1', '2.2.2.2:2'), 'raw'],
  [
    'TLS without a matching protocol',
    protocols,
    traits('1.1.1.1:1', '2.2.2.2:2', { transportProtocol: 'tls' }),
    'tls',
  ],
  [
    'TLS with one',
    protocols,
    traits('1.1.1.1:1', '2.2.2.2:2', { transportProtocol: 'tls', applicationProtocols: ['h2'] }),
    'tls-h2',
  ],
];

describe('a filter chain is chosen by', () => {
  for (const [what, chains, connection, expected] of cases) {
    test(what, () => {
      assert.equal(new ChainMatcher(chains, null).match(connection)?.name ?? null, expected);
    });
  }

  test('the default chain when none fits', () => {
    const matcher = new ChainMatcher(ports.slice(1), chain('default', {}));
    assert.equal(matcher.match(traits('127.0.0.1:80', '127.0.0.1:1'))?.name, 'default');
  });

  test('steps without a way back: a chain that won on the port is not left for one that fits better later', () => {
    const chains = [
      chain('port', { destination_port: 80, source_prefix_ranges: [range('10.0.0.0/8')] }),
      chain('source', { source_prefix_ranges: [range('192.168.0.0/16')] }),
    ];
    assert.equal(new ChainMatcher(chains, null).match(traits('1.1.1.1:80', '192.168.0.1:5')), null);
  });
});
