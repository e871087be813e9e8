/**
 * The effective configuration as the sections of Envoy's `/config_dump`, in proto JSON, secrets blackened. Made from the loaded
 * bootstrap, so it shows what runs: merged, with enums by name, without what was left unset.
 */
import type { Bootstrap, HttpConnectionManager, RouteConfiguration } from '../api/envoy.ts';
import type { ConfigDumpSection } from '../api/admin.ts';
import { redact, toProtoJson } from './proto-json.ts';
import { envoySchema } from './schema.ts';
import { walkMessages } from './walk-messages.ts';

const ANY_PREFIX = 'type.googleapis.com/';
const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';
const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

type Json = Record<string, unknown>;

/** `updatedAt`: wall time of the load, epoch ms. In Envoy's order: bootstrap, clusters, listeners, routes. */
export function configDumpSections(bootstrap: Bootstrap, updatedAt: number): ConfigDumpSection[] {
  const stamp = { last_updated: new Date(updatedAt).toISOString() };
  const { clusters = [], listeners = [] } = bootstrap.static_resources ?? {};
  const resource = (field: string, type: string, message: object): Json => ({
    [field]: { '@type': ANY_PREFIX + type, ...shown(type, message) },
    ...stamp,
  });
  return [
    { ...section('BootstrapConfigDump'), bootstrap: shown(BOOTSTRAP, bootstrap), ...stamp },
    {
      ...section('ClustersConfigDump'),
      static_clusters: clusters.map((item) => resource('cluster', 'envoy.config.cluster.v3.Cluster', item)),
    },
    {
      ...section('ListenersConfigDump'),
      static_listeners: listeners.map((item) =>
        resource('listener', 'envoy.config.listener.v3.Listener', item),
      ),
    },
    {
      ...section('RoutesConfigDump'),
      static_route_configs: routeConfigurations(bootstrap).map((item) =>
        resource('route_config', 'envoy.config.route.v3.RouteConfiguration', item),
      ),
    },
  ];
}

/** The node as `/server_info` shows it. */
export function nodeJson(bootstrap: Bootstrap): Json {
  return shown('envoy.config.core.v3.Node', bootstrap.node ?? {});
}

/** Every route table that stands in the file, in order of the listeners. */
export function routeConfigurations(bootstrap: Bootstrap): RouteConfiguration[] {
  const found: RouteConfiguration[] = [];
  walkMessages(envoySchema(), BOOTSTRAP, { ...bootstrap }, '', (type, message) => {
    const table = type === HCM ? (message as HttpConnectionManager).route_config : undefined;
    if (table !== undefined) found.push(table);
  });
  return found;
}

function section(name: string): { readonly '@type': string } {
  return { '@type': `${ANY_PREFIX}envoy.admin.v3.${name}` };
}

function shown(type: string, message: object): Json {
  return toProtoJson(type, redact(type, message));
}
