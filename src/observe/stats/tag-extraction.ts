/**
 * Envoy's tags: the configured parts of a stat name (cluster, prefix of a connection manager, listener address, worker) and the
 * response code become labels, the rest with dots as underscores is the Prometheus name.
 *
 *   cluster.a.b.upstream_rq_503  ->  envoy_cluster_upstream_rq{envoy_response_code="503",envoy_cluster_name="a.b"}
 *
 * A name may hold dots itself. Where the scope said how long it is (`tagEnd`) that counts; else it ends at the first dot
 * (a listener's: after its port).
 */
export interface TaggedName {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

const TAG_OF_ROOT: Readonly<Record<string, string>> = {
  cluster: 'envoy_cluster_name',
  http: 'envoy_http_conn_manager_prefix',
  listener: 'envoy_listener_address',
  tcp: 'envoy_tcp_prefix',
};

/** `127.0.0.1_8080`, `[__1]_8080`: the dots of an address do not end it. */
const LISTENER_ADDRESS = /^\[?[0-9a-fA-F_.]+\]?_\d+(?=\.)/;
/** Scopes below a cluster that a caller may have given in one piece with its name. */
const BELOW_CLUSTER =
  /\.(?:circuit_breakers|outlier_detection|health_check|ssl|http1|http2|host|zone|external|internal)(?:\.|$)/;

export function extractTags(statName: string, tagEnd: number): TaggedName {
  const labels: Record<string, string> = {};
  let rest = statName;
  const code = /_rq_([1-5]\d\d|[1-5]xx)$/.exec(rest);
  if (code !== null) {
    const [whole, value] = code as unknown as [string, string];
    const isClass = value.endsWith('xx');
    labels[isClass ? 'envoy_response_code_class' : 'envoy_response_code'] = isClass ? value[0]! : value;
    rest = rest.slice(0, rest.length - whole.length) + (isClass ? '_rq_xx' : '_rq');
  }
  const worker = /(?:^|\.)worker_(\d+)\./.exec(rest);
  if (worker !== null && worker.index >= tagEnd) {
    labels['envoy_worker_id'] = worker[1]!;
    const start = worker.index + worker[0].length;
    rest = `${rest.slice(0, start).replace(/_\d+\.$/, '.')}${rest.slice(start)}`;
  }
  return { name: prometheusName(pullConfiguredName(rest, tagEnd, labels)), labels };
}

/** Takes the configured name behind the first part out, and for a listener that of its connection manager. */
function pullConfiguredName(statName: string, tagEnd: number, labels: Record<string, string>): string {
  const dot = statName.indexOf('.');
  const root = dot === -1 ? '' : statName.slice(0, dot);
  const tag = TAG_OF_ROOT[root];
  if (tag === undefined) return statName;
  const end = endOfName(root, statName, dot + 1, tagEnd);
  if (end === -1) return statName;
  labels[tag] = statName.slice(dot + 1, end);
  const below = statName.slice(end + 1);
  if (root !== 'listener' || !below.startsWith('http.')) return `${root}.${below}`;
  const last = below.lastIndexOf('.');
  if (last <= 'http.'.length) return `${root}.${below}`;
  labels['envoy_http_conn_manager_prefix'] = below.slice('http.'.length, last);
  return `${root}.http.${below.slice(last + 1)}`;
}

function endOfName(root: string, statName: string, start: number, tagEnd: number): number {
  if (tagEnd > start && statName[tagEnd] === '.') {
    const below = root === 'cluster' ? BELOW_CLUSTER.exec(statName.slice(start, tagEnd)) : null;
    return below === null || below.index === 0 ? tagEnd : start + below.index;
  }
  const address = root === 'listener' ? LISTENER_ADDRESS.exec(statName.slice(start)) : null;
  return address === null ? statName.indexOf('.', start) : start + address[0].length;
}

function prometheusName(name: string): string {
  return `envoy_${name.replace(/[^a-zA-Z0-9_]/g, '_')}`;
}
