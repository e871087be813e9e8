/**
 * Compiles one virtual host of a table: its routes in order, and what `require_tls` answers.
 *
 * Throws on what is wrong or not supported, with the field's name. Nothing of the table's other virtual hosts is needed.
 */
import type { RouteConfiguration, VirtualHost } from '../api/envoy.ts';
import { compileLevel, compileRoute } from './compile-route.ts';
import type { FormatCompiler } from './header-mutation.ts';
import type { RouteEntry } from './route-entry.ts';
import type { RedirectRoute } from './route.ts';

export interface CompiledHost {
  readonly routes: readonly RouteEntry[];
  /** Answer to plain-text requests when `require_tls` says so; null otherwise. */
  readonly toHttps: RedirectRoute | null;
  readonly onlyExternal: boolean;
}

export type HostCompiler = (virtualHost: VirtualHost) => CompiledHost;

/** Of the table's own settings; its virtual hosts are not looked at. */
export function hostCompiler(config: RouteConfiguration, formats: FormatCompiler): HostCompiler {
  if (config.vhds !== undefined) throw new Error('vhds is not supported');
  if (config.ignore_path_parameters_in_path_matching === true) {
    throw new Error('ignore_path_parameters_in_path_matching is not supported');
  }
  const table = compileLevel(config, formats);
  const mostSpecificLast = config.most_specific_header_mutations_wins ?? false;
  return (virtualHost) => {
    if (virtualHost.matcher !== undefined) throw new Error('virtual_hosts.matcher is not supported');
    const host = compileLevel(virtualHost, formats);
    const scope = { formats, table, host, virtualHost, mostSpecificLast };
    const tls = virtualHost.require_tls ?? 'NONE';
    return {
      routes: (virtualHost.routes ?? []).map((route) => compileRoute(route, scope)),
      toHttps: tls === 'NONE' ? null : httpsRedirect(virtualHost.name ?? ''),
      onlyExternal: tls === 'EXTERNAL_ONLY',
    };
  };
}

function httpsRedirect(virtualHostName: string): RedirectRoute {
  return {
    kind: 'redirect',
    routeName: '',
    virtualHostName,
    status: 301,
    location: (headers) => `https://${headers.authority}${headers.path}`,
    requestMutations: [],
    responseMutations: [],
    settings: {
      perFilterConfig: () => undefined,
      idleTimeoutMs: -1,
      maxStreamDurationMs: -1,
      upgradeEnabled: () => null,
    },
  };
}
