/**
 * Operators that print addresses: each with `_WITHOUT_PORT(mask)` and `_PORT`, and the lists of what retries tried.
 *
 * Connections and hosts keep one `Address` object each, so a place of a format remembers the text of the last object.
 */
import type { LogContext } from '../../api/observe.ts';
import type { Address } from '../../api/socket.ts';
import { addressText } from '../../base/address-text.ts';
import { addressWithoutPort, networkText, parseMask } from './address-text.ts';
import type { LineWriter } from '../line-writer.ts';
import { emptyToNull, plain, type OperatorMaker, type Write } from './operator.ts';

const OPEN = 0x5b;
const CLOSE = 0x5d;
const COLON = 0x3a;

type AddressOf = (context: LogContext) => Address | null;

function whole(addressOf: AddressOf): OperatorMaker {
  const write: Write = (context, out) => {
    const address = addressOf(context);
    if (address === null) return false;
    writeAddress(out, address);
    return true;
  };
  return (parameter, name) => plain(remembered(addressOf, addressText), { write })(parameter, name);
}

/** As `addressText`. */
function writeAddress(out: LineWriter, address: Address): void {
  if (address.kind === 'pipe') {
    out.text(address.path);
    return;
  }
  const { ip, port: number, family: version } = address;
  if (version === 6) out.byte(OPEN);
  out.text(ip);
  if (version === 6) out.byte(CLOSE);
  out.byte(COLON);
  out.number(number);
}

function withoutPort(addressOf: AddressOf): OperatorMaker {
  return (parameter, name) => {
    if (parameter === null) return { value: remembered(addressOf, addressWithoutPort) };
    const bits = parseMask(parameter, name);
    return { value: remembered(addressOf, (address) => networkText(address, bits)) };
  };
}

function remembered(addressOf: AddressOf, textOf: (address: Address) => string) {
  let last: Address | null = null;
  let text = '';
  return (context: LogContext): string | null => {
    const address = addressOf(context);
    if (address === null) return null;
    if (address !== last) {
      text = textOf(address);
      last = address;
    }
    return text;
  };
}

function port(addressOf: AddressOf): OperatorMaker {
  return plain((context) => {
    const address = addressOf(context);
    return address === null || address.kind === 'pipe' ? null : address.port;
  });
}

function family(name: string, addressOf: AddressOf): Record<string, OperatorMaker> {
  return {
    [name]: whole(addressOf),
    [`${name}_WITHOUT_PORT`]: withoutPort(addressOf),
    [`${name}_PORT`]: port(addressOf),
  };
}

/** Hosts that were tried, in order, joined by commas. */
function attempted(textOf: (address: Address) => string): OperatorMaker {
  return plain(({ info }) => emptyToNull(info.upstream.hostsAttempted.map(textOf).join(',')));
}

const upstreamHost: AddressOf = ({ info }) => info.upstream.host;

export const ADDRESS_OPERATORS: Readonly<Record<string, OperatorMaker>> = {
  ...family('DOWNSTREAM_LOCAL_ADDRESS', ({ info }) => info.downstreamLocalAddress),
  ...family('DOWNSTREAM_REMOTE_ADDRESS', ({ info }) => info.downstreamRemoteAddress),
  ...family('DOWNSTREAM_DIRECT_REMOTE_ADDRESS', ({ info }) => info.downstreamDirectRemoteAddress),
  ...family('DOWNSTREAM_DIRECT_LOCAL_ADDRESS', ({ info }) => info.downstreamLocalAddress),
  ...family('UPSTREAM_LOCAL_ADDRESS', ({ info }) => info.upstream.localAddress),
  ...family('UPSTREAM_REMOTE_ADDRESS', upstreamHost),
  DOWNSTREAM_LOCAL_PORT: port(({ info }) => info.downstreamLocalAddress),
  DOWNSTREAM_REMOTE_PORT: port(({ info }) => info.downstreamRemoteAddress),
  DOWNSTREAM_DIRECT_REMOTE_PORT: port(({ info }) => info.downstreamDirectRemoteAddress),
  UPSTREAM_LOCAL_PORT: port(({ info }) => info.upstream.localAddress),
  UPSTREAM_REMOTE_PORT: port(upstreamHost),
  UPSTREAM_HOST: whole(upstreamHost),
  UPSTREAM_HOSTS_ATTEMPTED: attempted(addressText),
  UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT: attempted(addressWithoutPort),
};
