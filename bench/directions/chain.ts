/**
 * Two proxies in a row, as a request of a mesh meets them: the caller's, which knows every service, and the service's, which knows
 * that one alone.
 *
 *   load -> outbound: route by host, host of the cluster -> inbound: the only route -> upstream
 *
 * Both are the same program with the same log, on the same core and under the same load, so what differs is their configuration and
 * what the other one's headers add to a request.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { INSTRUMENTED_FORMAT } from '../../src/observe/format/instrumented-format.ts';
import { fileLog, NO_LIMITS } from '../contenders/bootstrap.ts';
import type { Contender } from '../contenders/contender.ts';
import { command, NODEPROXY, nodeproxy } from '../contenders/nodeproxy.ts';
import type { Rig, Running } from '../contenders/rig.ts';
import { meshParts, podAddress, serviceHost } from '../harness/mesh.ts';

const LOG = { text: INSTRUMENTED_FORMAT };

export interface MeshShape {
  /** As it stands in tables. */
  readonly name: string;
  readonly services: number;
  /** Pods of each service. */
  readonly endpoints: number;
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly route?: Readonly<Record<string, unknown>>;
}

export interface Chain {
  readonly shape: MeshShape;
  /** That the load asks for: the last one of the mesh. */
  readonly host: string;
  readonly outbound: Running;
  readonly inbound: Running;
}

/** @throws StartError; the signal's reason. The rig ends both. */
export async function startChain(rig: Rig, shape: MeshShape): Promise<Chain> {
  const first = (shape.services - 1) * shape.endpoints;
  const pods = Array.from({ length: shape.endpoints }, (_, index) => podAddress(first + index));
  const inbound = await rig.start(
    // The first address is where the rig sees that it is up.
    nodeproxy({
      name: `${shape.name}: inbound`,
      file: 'inbound',
      log: LOG,
      addresses: ['127.0.0.1', ...pods],
    }),
  );
  const outbound = await rig.start(outboundOf(shape, inbound.port));
  return { shape, host: serviceHost(shape.services - 1), outbound, inbound };
}

function outboundOf(
  { name, services, endpoints, cluster, route = {} }: MeshShape,
  podPort: number,
): Contender {
  return {
    name: `${name}: outbound`,
    program: NODEPROXY,
    configure({ folder, port }) {
      const log = join(folder, 'outbound.log');
      const config = join(folder, 'outbound.json');
      const manager = { use_remote_address: true, access_log: [fileLog(LOG, log)] };
      const limits = { circuit_breakers: NO_LIMITS, ...cluster };
      const mesh = { services, endpoints, podPort, port, manager, cluster: limits, route };
      writeFileSync(config, [...meshParts(mesh)].join(''));
      return command(config, [log]);
    },
  };
}
