/** `/listeners`: name and bound address of each listener. */
import { addressText } from '../../base/address-text.ts';
import { addressJson } from '../address-text.ts';
import type { Endpoint } from '../endpoint.ts';
import { FORMAT_PARAMETER, formatOf, jsonReply, textReply, unknownFormat } from '../endpoint.ts';

export const listeners: Endpoint = {
  path: '/listeners',
  help: 'print listener info',
  mutates: false,
  parameters: [FORMAT_PARAMETER],
  handle({ context, query }) {
    const format = formatOf(query);
    if (format === 'unknown') return unknownFormat('/listeners');
    const statuses = context.listeners();
    if (format === 'json') {
      return jsonReply({
        listener_statuses: statuses.map(({ name, address, additionalAddresses }) => ({
          name,
          local_address: addressJson(address),
          ...(additionalAddresses.length === 0
            ? {}
            : { additional_local_addresses: additionalAddresses.map(addressJson) }),
        })),
      });
    }
    return textReply(
      statuses
        .flatMap(({ name, address, additionalAddresses }) =>
          [address, ...additionalAddresses].map((each) => `${name}::${addressText(each)}\n`),
        )
        .join(''),
    );
  },
};
