/**
 * `/config_dump`: the running configuration in sections, as Envoy's `ConfigDump` JSON. The server gives proto JSON with secrets
 * already redacted; here it is only selected from:
 *
 *   resource=<field>     only the items of that repeated field (`dynamic_listeners`)
 *   mask=a.b,c           only these fields
 *   name_regex=<re>      only items whose name matches as a whole
 */
import type { ConfigDumpSection } from '../../api/admin.ts';
import type { AdminReply, Endpoint } from '../endpoint.ts';
import { jsonReply, textReply } from '../endpoint.ts';
import { nameFilter } from '../name-filter.ts';

type Json = Readonly<Record<string, unknown>>;
const MAX_MASK_PATHS = 64;
const ADMIN_TYPES = 'type.googleapis.com/envoy.admin.v3.';

/** Message of each item, for the `@type` that it gets when it stands alone. */
const ITEM_TYPES: Readonly<Record<string, string>> = {
  static_clusters: 'ClustersConfigDump.StaticCluster',
  dynamic_active_clusters: 'ClustersConfigDump.DynamicCluster',
  dynamic_warming_clusters: 'ClustersConfigDump.DynamicCluster',
  static_listeners: 'ListenersConfigDump.StaticListener',
  dynamic_listeners: 'ListenersConfigDump.DynamicListener',
  static_route_configs: 'RoutesConfigDump.StaticRouteConfig',
  dynamic_route_configs: 'RoutesConfigDump.DynamicRouteConfig',
  static_secrets: 'SecretsConfigDump.StaticSecret',
  dynamic_active_secrets: 'SecretsConfigDump.DynamicSecret',
  dynamic_warming_secrets: 'SecretsConfigDump.DynamicSecret',
  ecds_filters: 'EcdsConfigDump.EcdsFilterConfig',
};

export const configDump: Endpoint = {
  path: '/config_dump',
  help: 'dump current configs',
  mutates: false,
  parameters: [
    { name: 'resource', description: 'only the items of this repeated field', kind: 'text' },
    { name: 'mask', description: 'only these fields, comma separated', kind: 'text' },
    { name: 'name_regex', description: 'only items whose whole name matches', kind: 'text' },
  ],
  handle({ context, query }) {
    const names = nameFilter(query.get('name_regex'), 'full');
    if ('error' in names) return textReply(`${names.error}\n`, 400);
    const mask = maskPaths(query.get('mask'));
    if (mask === null) return textReply(`mask has more than ${MAX_MASK_PATHS} paths\n`, 400);
    const sections = context.configDump();
    const resource = query.get('resource');
    if (resource !== null && resource !== '') return resourceReply(sections, resource, mask, names.test);
    const configs = sections
      .map((section) => trim(selectNames(section, names.test), mask))
      .filter((section) => mask.length === 0 || Object.keys(section).length > 1);
    return jsonReply({ configs });
  },
};

function resourceReply(
  sections: readonly ConfigDumpSection[],
  resource: string,
  mask: readonly string[][],
  test: (name: string) => boolean,
): AdminReply {
  const section = sections.find((each) => Object.hasOwn(each, resource));
  if (section === undefined && !Object.hasOwn(ITEM_TYPES, resource)) {
    return textReply(`${resource} not found in config dump\n`, 404);
  }
  const items = section?.[resource] ?? [];
  if (!Array.isArray(items)) {
    return textReply(`${resource} is not a repeated field. Use ?mask= to get only this field\n`, 400);
  }
  const type = ITEM_TYPES[resource];
  const configs = (items as Json[])
    .filter((item) => test(itemName(item)))
    .map((item) => trim(type === undefined ? item : { '@type': ADMIN_TYPES + type, ...item }, mask));
  return jsonReply({ configs });
}

/** Items of the section's repeated fields whose name does not match are left out. */
function selectNames(section: Json, test: (name: string) => boolean): Json {
  const entries = Object.entries(section).map(([key, value]): [string, unknown] =>
    Object.hasOwn(ITEM_TYPES, key) && Array.isArray(value)
      ? [key, (value as Json[]).filter((item) => test(itemName(item)))]
      : [key, value],
  );
  return Object.fromEntries(entries);
}

/** A dynamic item has a name of its own, a static one that of the message in it. */
function itemName(item: Json): string {
  if (typeof item['name'] === 'string') return item['name'];
  for (const value of Object.values(item)) {
    if (typeof value !== 'object' || value === null) continue;
    const { name, cluster_name: clusterName } = value as Json;
    if (typeof name === 'string') return name;
    if (typeof clusterName === 'string') return clusterName;
  }
  return '';
}

/** Null: too many. */
function maskPaths(mask: string | null): string[][] | null {
  if (mask === null || mask === '') return [];
  const paths = mask.split(',').map((path) => path.trim().split('.'));
  return paths.length > MAX_MASK_PATHS ? null : paths;
}

/** Keeps `@type` and the fields on the paths; a path goes through every item of a repeated field. */
function trim(message: Json, mask: readonly string[][]): Json {
  if (mask.length === 0) return message;
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(message)) {
    const deeper = mask.filter((path) => path[0] === key).map((path) => path.slice(1));
    if (key === '@type') kept[key] = value;
    else if (deeper.some((path) => path.length === 0)) kept[key] = value;
    else if (deeper.length > 0) kept[key] = trimValue(value, deeper);
  }
  return kept;
}

function trimValue(value: unknown, mask: readonly string[][]): unknown {
  if (Array.isArray(value)) return value.map((item) => trimValue(item, mask));
  return typeof value === 'object' && value !== null ? trim(value as Json, mask) : value;
}
