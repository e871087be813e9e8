/**
 * Which picker a cluster's configuration asks for: `lb_policy`, or the first known one of `load_balancing_policy`, which wins.
 */
import type { Any, Cluster } from '../../api/envoy.ts';
import { unreachable } from '../../base/invariant.ts';
import type { UpstreamHost } from '../host.ts';
import { LEAST_REQUEST_DEFAULTS, leastRequest } from './least-request.ts';
import type { LeastRequestOptions } from './least-request.ts';
import type { HostPicker } from './picker.ts';
import { RandomChoice } from './random-choice.ts';
import { roundRobin } from './round-robin.ts';

export type PickerFactory = (hosts: readonly UpstreamHost[]) => HostPicker;

type Policy =
  | { readonly kind: 'round-robin' }
  | { readonly kind: 'random' }
  | { readonly kind: 'least-request'; readonly options: LeastRequestOptions };

const PREFIX = 'envoy.extensions.load_balancing_policies';

/** Throws for a policy that does not exist here: main builds it once before it publishes the cluster. */
export function pickerFactory(config: Cluster, random: () => number): PickerFactory {
  const policy = policyOf(config);
  switch (policy.kind) {
    case 'round-robin':
      return (hosts) => roundRobin(hosts, random);
    case 'least-request':
      return (hosts) => leastRequest(hosts, random, policy.options);
    case 'random':
      return (hosts) => new RandomChoice(hosts, random);
    default:
      return unreachable(policy);
  }
}

function policyOf(config: Cluster): Policy {
  const typed = config.load_balancing_policy?.policies;
  if (typed !== undefined) {
    for (const entry of typed) {
      const policy = typedPolicy(entry.typed_extension_config?.typed_config);
      if (policy !== null) return policy;
    }
    throw new Error(`cluster ${config.name ?? ''}: no supported policy in load_balancing_policy`);
  }
  switch (config.lb_policy ?? 'ROUND_ROBIN') {
    case 'ROUND_ROBIN':
      return { kind: 'round-robin' };
    case 'RANDOM':
      return { kind: 'random' };
    case 'LEAST_REQUEST': {
      const settings = config.least_request_lb_config;
      return leastRequestPolicy(settings?.choice_count, settings?.active_request_bias?.default_value);
    }
    default:
      throw new Error(`cluster ${config.name ?? ''}: lb_policy ${config.lb_policy} is not supported`);
  }
}

function typedPolicy(config: Any | undefined): Policy | null {
  switch (config?.['@type']) {
    case `${PREFIX}.round_robin.v3.RoundRobin`:
      return { kind: 'round-robin' };
    case `${PREFIX}.random.v3.Random`:
      return { kind: 'random' };
    case `${PREFIX}.least_request.v3.LeastRequest`:
      return leastRequestPolicy(config.choice_count, config.active_request_bias?.default_value);
    default:
      return null;
  }
}

function leastRequestPolicy(choices: number | undefined, bias: number | undefined): Policy {
  return {
    kind: 'least-request',
    options: {
      choices: choices ?? LEAST_REQUEST_DEFAULTS.choices,
      bias: bias ?? LEAST_REQUEST_DEFAULTS.bias,
    },
  };
}
