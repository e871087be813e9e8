/**
 * The sections of `/config_dump`, in Envoy's order: the bootstrap as loaded, clusters, listeners, routes; secrets redacted.
 */
import type { ConfigDumpSection } from '../api/admin.ts';
import type { Bootstrap } from '../api/envoy.ts';
import { redact, toProtoJson } from '../config/proto-json.ts';
import { nameRoutes } from './route-names.ts';

const ADMIN = 'type.googleapis.com/envoy.admin.v3.';
const TYPES = 'type.googleapis.com/';
const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';
const CLUSTER = 'envoy.config.cluster.v3.Cluster';
const LISTENER = 'envoy.config.listener.v3.Listener';
const ROUTES = 'envoy.config.route.v3.RouteConfiguration';

/** `loadedAt`: ISO time at which the configuration took effect. */
export function configSections(bootstrap: Bootstrap, loadedAt: string): ConfigDumpSection[] {
  const { clusters = [], listeners = [] } = bootstrap.static_resources ?? {};
  const { routes } = nameRoutes(listeners);
  const entry = (field: string, type: string, message: object): object => ({
    [field]: { '@type': TYPES + type, ...shown(type, message) },
    last_updated: loadedAt,
  });
  return [
    {
      '@type': `${ADMIN}BootstrapConfigDump`,
      bootstrap: shown(BOOTSTRAP, bootstrap),
      last_updated: loadedAt,
    },
    {
      '@type': `${ADMIN}ClustersConfigDump`,
      static_clusters: clusters.map((each) => entry('cluster', CLUSTER, each)),
    },
    {
      '@type': `${ADMIN}ListenersConfigDump`,
      static_listeners: listeners.map((each) => entry('listener', LISTENER, each)),
    },
    {
      '@type': `${ADMIN}RoutesConfigDump`,
      static_route_configs: [...routes.values()].map((each) => entry('route_config', ROUTES, each)),
    },
    { '@type': `${ADMIN}SecretsConfigDump` },
  ];
}

function shown(type: string, message: object): Record<string, unknown> {
  return toProtoJson(type, redact(type, message));
}
