/**
 * The bootstrap of a lab as the text of a YAML file, so that what is shown, written and read is one thing. A lab gives the few lines
 * that matter to it by place; the rest is the smallest HTTP proxy, with the whole diagnostic access log.
 */
import { diff } from 'node:util';
import { DIAGNOSTIC_FORMAT } from '../observe/format/instrumented-format.ts';

/** YAML by the message that it stands in; lines are indented to their place here. */
export interface ConfigParts {
  readonly listener?: string;
  /** Of the one filter chain. */
  readonly chain?: string;
  readonly manager?: string;
  /** In front of the router. */
  readonly filters?: string;
  /** Of the one route, beside its action. */
  readonly route?: string;
  readonly action?: string;
  readonly cluster?: string;
}

export interface ConfigPlaces {
  readonly logFile: string;
  readonly servicePort: number;
  /** 0, or absent: of the kernel's choice. */
  readonly listenerPort?: number;
}

/** Requests with it are not logged: they only bring a new process up to speed, or open connections beforehand. */
const WARM_UP_HEADER = 'x-warm-up';
export const UNLOGGED: readonly string[] = [`${WARM_UP_HEADER}: 1`];
const EXTENSIONS = 'type.googleapis.com/envoy.extensions';

export function configText(
  parts: ConfigParts,
  { logFile, servicePort, listenerPort = 0 }: ConfigPlaces,
): string {
  return `admin:
  address:
    socket_address: { address: 127.0.0.1, port_value: 0 }
static_resources:
  listeners:
    - name: lab
      address:
        socket_address: { address: 127.0.0.1, port_value: ${listenerPort} }
${at(6, parts.listener)}      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": ${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: lab
${at(16, parts.manager)}                access_log:
                  - name: diagnostic
                    filter:
                      header_filter: { header: { name: ${WARM_UP_HEADER}, present_match: true, invert_match: true } }
                    typed_config:
                      "@type": ${EXTENSIONS}.access_loggers.file.v3.FileAccessLog
                      path: ${JSON.stringify(logFile)}
                      log_format:
                        text_format_source:
                          inline_string: ${JSON.stringify(DIAGNOSTIC_FORMAT)}
                http_filters:
${at(18, parts.filters)}                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": ${EXTENSIONS}.filters.http.router.v3.Router
                route_config:
                  name: lab
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                        - name: default
                          match: { prefix: / }
${at(26, parts.route)}                          route:
                            cluster: service
${at(28, parts.action)}${at(10, parts.chain)}  clusters:
    - name: service
      type: STATIC
      connect_timeout: 5s
${at(6, parts.cluster)}      load_assignment:
        cluster_name: service
        endpoints:
          - lb_endpoints:
              - endpoint:
                  address:
                    socket_address: { address: 127.0.0.1, port_value: ${servicePort} }
`;
}

/** Lines that differ, `-` broken and `+` fixed; empty: the configuration is the same. */
export function configDifference(broken: ConfigParts, fixed: ConfigParts): string[] {
  const places = { logFile: 'access.log', servicePort: 0 };
  const [before, after] = [broken, fixed].map((parts) => configText(parts, places).split('\n'));
  // Node's own: +1 is in the first list only, -1 in the second only.
  const changes = diff(before ?? [], after ?? []).filter(([side]) => side !== 0);
  const least = Math.min(...changes.map(([, line]) => line.search(/\S/)));
  return changes.map(([side, line]) => `${side > 0 ? '-' : '+'} ${line.slice(least)}`).sort(removedFirst);
}

function removedFirst(left: string, right: string): number {
  return Number(left.startsWith('+')) - Number(right.startsWith('+'));
}

function at(columns: number, lines: string | undefined): string {
  if (lines === undefined) return '';
  return `${lines.replaceAll(/^(?=.)/gm, ' '.repeat(columns))}\n`;
}
