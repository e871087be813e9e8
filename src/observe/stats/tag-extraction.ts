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

const CLUSTER = 'cluster.';
const USUAL_BASE = 'envoy_cluster_';

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

/** What the metrics of one cluster have in common. */
interface ClusterTags {
  /** Of their stat names: `cluster.a.b`, without a dot behind it. */
  readonly prefix: string;
  /** Of their names. */
  readonly base: string;
  readonly labels: TaggedName['labels'];
}

/** What one name means below every cluster. */
interface BelowCluster {
  readonly name: string;
  /** The whole name, but for a cluster whose scope was given in one piece with what is below it. */
  readonly usual: string;
  /** null: those of the cluster are all. */
  readonly labels: TaggedName['labels'] | null;
}

/**
 * The same, for a scrape of tens of thousands of clusters: each cluster is looked at once, and each of the names that they all have
 * is looked at once and kept. Metrics of a cluster share their labels.
 */
export class TagExtraction {
  /** Names below a cluster: a few dozen, and those with a status code; null: to be looked at with its cluster. */
  readonly #below = new Map<string, BelowCluster | null>();
  readonly #others = new Map<string, TaggedName>();
  #last: ClusterTags = { prefix: '', base: '', labels: {} };

  tagged(statName: string, tagEnd: number): TaggedName {
    if (tagEnd > CLUSTER.length && statName[tagEnd] === '.' && statName.startsWith(CLUSTER)) {
      const below = this.#belowCluster(statName.slice(tagEnd + 1));
      if (below !== null) return joined(this.#cluster(statName, tagEnd), below);
    }
    const key = `${tagEnd} ${statName}`;
    let tagged = this.#others.get(key);
    if (tagged === undefined) {
      tagged = extractTags(statName, tagEnd);
      this.#others.set(key, tagged);
    }
    return tagged;
  }

  #cluster(statName: string, tagEnd: number): ClusterTags {
    if (this.#last.prefix.length === tagEnd && statName.startsWith(this.#last.prefix)) return this.#last;
    const labels: Record<string, string> = {};
    const prefix = statName.slice(0, tagEnd);
    const base = prometheusName(pullConfiguredName(`${prefix}.`, tagEnd, labels));
    this.#last = { prefix, base, labels };
    return this.#last;
  }

  #belowCluster(below: string): BelowCluster | null {
    let found = this.#below.get(below);
    if (found === undefined) {
      found = belowCluster(below);
      this.#below.set(below, found);
    }
    return found;
  }
}

function belowCluster(below: string): BelowCluster | null {
  // In the place of a cluster's name and the dots around it stands one dot: what looks for a whole part finds it.
  const tagged = extractTags(`.${below}`, 0);
  if (tagged.labels['envoy_worker_id'] !== undefined) return null;
  const name = tagged.name.slice(prometheusName('.').length);
  const labels = Object.keys(tagged.labels).length === 0 ? null : tagged.labels;
  return { name, usual: USUAL_BASE + name, labels };
}

function joined(cluster: ClusterTags, below: BelowCluster): TaggedName {
  const name = cluster.base === USUAL_BASE ? below.usual : cluster.base + below.name;
  return { name, labels: below.labels === null ? cluster.labels : { ...below.labels, ...cluster.labels } };
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
