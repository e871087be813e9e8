/**
 * Runs every semantic check over a loaded bootstrap: one table, message type -> check. These are the things that Envoy refuses
 * when it builds its objects, found before anything is built.
 */
import type { IssueList } from '../config-error.ts';
import type { Message, MessageReader } from '../message-reader.ts';
import type { Schema } from '../schema.ts';
import { walkMessages } from '../walk-messages.ts';
import { checkBootstrap, resolveModule } from './bootstrap.ts';
import { checkCluster } from './clusters.ts';
import type { Check, CheckContext, Checks } from './context.ts';
import { checkFilterChain, checkHttpFilters, checkListener } from './listeners.ts';
import { checkRouteAction, checkRouteConfiguration, checkWeightedCluster } from './routes.ts';
import {
  checkAccessLog,
  checkAddedHeader,
  checkFileAccessLog,
  checkFormatString,
  checkHeaderKeyFormat,
  checkRegex,
  checkResponseMapper,
  checkSubstitution,
} from './texts.ts';

const CHECKS: Readonly<Record<string, Check>> = {
  'envoy.config.bootstrap.v3.Bootstrap': checkBootstrap,
  'envoy.config.listener.v3.Listener': checkListener,
  'envoy.config.listener.v3.FilterChain': checkFilterChain,
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager': checkHttpFilters,
  'envoy.config.route.v3.RouteConfiguration': checkRouteConfiguration as Check,
  'envoy.config.route.v3.RouteAction': checkRouteAction,
  'envoy.config.route.v3.WeightedCluster': checkWeightedCluster,
  'envoy.config.cluster.v3.Cluster': checkCluster,
  'envoy.config.core.v3.HeaderValue': checkAddedHeader,
  'envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat': checkHeaderKeyFormat,
  'envoy.config.core.v3.SubstitutionFormatString': checkFormatString,
  'envoy.config.accesslog.v3.AccessLog': checkAccessLog,
  'envoy.extensions.access_loggers.file.v3.FileAccessLog': checkFileAccessLog,
  'envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper': checkResponseMapper,
  'envoy.type.matcher.v3.RegexMatcher': checkRegex,
  'envoy.type.matcher.v3.RegexMatchAndSubstitute': checkSubstitution,
  'nodeproxy.extensions.filters.http.javascript.v1.JavaScript': resolveModule,
};

export interface SemanticInput {
  readonly schema: Schema;
  readonly reader: MessageReader;
  readonly issues: IssueList;
  readonly folder: string;
  readonly checks: Checks;
}

export function checkAll(typeName: string, message: Message, input: SemanticInput): void {
  const { reader, issues } = input;
  const unread = issues.paths();
  const isUnread = (path: string): boolean => unread.includes(path) || unread.some((at) => isItem(at, path));
  const context: CheckContext = {
    checks: input.checks,
    clusters: isUnread('static_resources.clusters') ? null : clusterNames(message),
    isUnread,
    folder: input.folder,
    report: (owner, field, path, text) => {
      if (unread.some((known) => below(known, path))) return;
      issues.add(reader.spotOf(owner, field), path, text);
    },
  };
  walkMessages(input.schema, typeName, message, '', (type, item, path) => {
    CHECKS[type]?.(item, path, context);
  });
}

/** Whether `path` is `root` or lies inside it. */
function below(path: string, root: string): boolean {
  return path.startsWith(root) && (path.length === root.length || '.['.includes(path.charAt(root.length)));
}

/** `list[3]`: the whole list was given up. */
function isItem(path: string, list: string): boolean {
  return path.startsWith(`${list}[`) && /^\[\d+\]$/.test(path.slice(list.length));
}

function clusterNames(bootstrap: Message): Set<string> {
  const resources = bootstrap['static_resources'] as { clusters?: readonly { name?: string }[] } | undefined;
  return new Set((resources?.clusters ?? []).map((cluster) => cluster.name ?? ''));
}
