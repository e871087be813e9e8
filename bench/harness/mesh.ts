/**
 * A mesh as configuration: N services of M endpoints each, as one static bootstrap with a cluster and a virtual host per service.
 *
 *   parts (generator of texts, one service at a time) -> 64 KiB chunks -> file
 *
 * Nothing of the mesh is held: the generator's memory is that of a chunk, whatever N is. Every pod has an address of its own in
 * 127.0.0.0/8 (from 127.1.0.0 on), so that one service of the benchmark, listening on all addresses, can answer for all of them.
 */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface Mesh {
  readonly services: number;
  /** Pods of each service. */
  readonly endpoints: number;
  /** Port that every pod serves on. */
  readonly podPort: number;
  /** Port of the proxy's listener; 0: the kernel's choice. */
  readonly port: number;
  /** Further fields of the listener, as `enable_reuse_port`; of its connection manager, of the table of routes. */
  readonly listener?: Fields;
  readonly manager?: Fields;
  readonly routeConfig?: Fields;
  /** Of every cluster, and of what each route does. */
  readonly cluster?: Fields;
  readonly route?: Fields;
}

type Fields = Readonly<Record<string, unknown>>;

/** Of the table of routes: tells a client which worker it got. */
export const TELLS_THREAD: Fields = {
  response_headers_to_add: [{ header: { key: 'x-thread', value: '%THREAD_ID%' } }],
};

/** What a chunk of the file holds at least: fewer, larger writes. */
const CHUNK_CHARACTERS = 64 * 1024;
/** First pod: below lie 127.0.0.0/16 with localhost. */
const FIRST_POD = (127 << 24) | (1 << 16);
/** Room behind it in 127.0.0.0/8. */
export const MOST_PODS = (1 << 24) - (1 << 16);
const SERVICES_PER_NAMESPACE = 100;
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** As Kubernetes and Istio name it: the length of names is a good part of what a service costs. */
export function serviceHost(service: number): string {
  return `service-${service}.namespace-${Math.floor(service / SERVICES_PER_NAMESPACE)}.svc.cluster.local`;
}

/** Istio's name of the cluster for it. */
export function serviceCluster(service: number): string {
  return `outbound|80||${serviceHost(service)}`;
}

/** @throws RangeError beyond `MOST_PODS`. */
export function podAddress(pod: number): string {
  if (!Number.isInteger(pod) || pod < 0 || pod >= MOST_PODS)
    throw new RangeError(`no address for pod ${pod}: there are ${MOST_PODS}`);
  const bits = FIRST_POD + pod;
  return [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255].join('.');
}

/** The bootstrap in pieces; put together they are JSON, one service a line. */
export function* meshParts(mesh: Mesh): Generator<string> {
  checkMesh(mesh);
  const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
  yield `{"admin": ${JSON.stringify(admin)},\n"static_resources": {\n"clusters": [\n`;
  for (let service = 0; service < mesh.services; service += 1)
    yield `${service === 0 ? '' : ',\n'}${JSON.stringify(clusterOf(mesh, service))}`;
  // The hosts stand where the marker is, so that the listener around them is written as one value.
  const [before = '', after = ''] = JSON.stringify(listenerOf(mesh)).split('"hosts"');
  yield `],\n"listeners": [${before}\n`;
  for (let service = 0; service < mesh.services; service += 1)
    yield `${service === 0 ? '' : ',\n'}${JSON.stringify(virtualHostOf(mesh, service))}`;
  yield `${after}]}}\n`;
}

export async function writeMesh(file: string, mesh: Mesh): Promise<void> {
  await pipeline(Readable.from(chunks(meshParts(mesh)), { objectMode: false }), createWriteStream(file));
}

function* chunks(parts: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const part of parts) {
    chunk += part;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

function checkMesh({ services, endpoints }: Mesh): void {
  for (const [name, value] of Object.entries({ services, endpoints }))
    if (!Number.isInteger(value) || value < 0) throw new RangeError(`${value} ${name}`);
  if (services * endpoints > MOST_PODS)
    throw new RangeError(`${services * endpoints} pods: there are addresses for ${MOST_PODS}`);
}

function clusterOf({ endpoints, podPort, cluster }: Mesh, service: number): object {
  const name = serviceCluster(service);
  const pods = Array.from({ length: endpoints }, (_, index) => ({
    endpoint: { address: socket(podAddress(service * endpoints + index), podPort) },
  }));
  return {
    name,
    type: 'STATIC',
    connect_timeout: '5s',
    ...cluster,
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: pods }] },
  };
}

function virtualHostOf({ route }: Mesh, service: number): object {
  const host = serviceHost(service);
  return {
    name: `${host}:80`,
    domains: [host],
    routes: [{ match: { prefix: '/' }, route: { cluster: serviceCluster(service), ...route } }],
  };
}

function listenerOf({ port, listener, manager: more, routeConfig }: Mesh): object {
  const manager = {
    '@type': MANAGER,
    stat_prefix: 'mesh',
    ...more,
    route_config: { name: 'mesh', ...routeConfig, virtual_hosts: ['hosts'] },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': ROUTER } }],
  };
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager };
  return {
    name: 'mesh',
    address: socket('127.0.0.1', port),
    ...listener,
    filter_chains: [{ filters: [filter] }],
  };
}

function socket(address: string, port: number): object {
  return { socket_address: { address, port_value: port } };
}
