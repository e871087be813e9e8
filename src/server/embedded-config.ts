/**
 * The configuration of `nodeproxy run` without a file: two services, one listener, the instrumented log on standard output. It is a
 * bootstrap text like any user's and takes the same way in, so what it shows can be copied into a file and changed.
 */
import { INSTRUMENTED_FORMAT } from '../observe/format/instrumented-format.ts';

export interface EmbeddedAddresses {
  readonly listenerPort: number;
  readonly adminPort: number;
  /** The first takes `/`, each of the others `/<name>`. */
  readonly services: readonly { readonly name: string; readonly port: number }[];
  /** HTTP filters in front of the router, as YAML. */
  readonly filters?: string;
}

export function embeddedConfig({
  listenerPort,
  adminPort,
  services,
  filters = '',
}: EmbeddedAddresses): string {
  const [first, ...others] = services;
  const routes = [
    ...others.map(
      ({ name }) =>
        `- match: { path_separated_prefix: /${name} }\n  route: { cluster: ${name}, regex_rewrite: ${rewrite(name)} }`,
    ),
    `- match: { prefix: / }\n  route: { cluster: ${first?.name} }`,
  ];
  return `admin:
  address:
    socket_address: { address: 127.0.0.1, port_value: ${adminPort} }
node: { id: demo, cluster: demo }
static_resources:
  listeners:
    - name: demo
      address:
        socket_address: { address: 127.0.0.1, port_value: ${listenerPort} }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: demo
                access_log:
                  - name: envoy.access_loggers.stdout
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
                      log_format:
                        text_format_source:
                          inline_string: ${JSON.stringify(INSTRUMENTED_FORMAT)}
                http_filters:
${filters === '' ? '' : `${indent(filters, 18)}\n`}                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                route_config:
                  name: demo
                  virtual_hosts:
                    - name: demo
                      domains: ["*"]
                      routes:
${indent(routes.join('\n'), 24)}
  clusters:
${indent(services.map(clusterText).join('\n'), 4)}
`;
}

function clusterText({ name, port }: { readonly name: string; readonly port: number }): string {
  return `- name: ${name}
  connect_timeout: 1s
  load_assignment:
    cluster_name: ${name}
    endpoints:
      - lb_endpoints:
          - endpoint:
              address:
                socket_address: { address: 127.0.0.1, port_value: ${port} }`;
}

/** `/two/large` -> `/large`, `/two` -> `/`. */
function rewrite(name: string): string {
  return `{ pattern: { regex: "^/${name}/?" }, substitution: "/" }`;
}

function indent(text: string, by: number): string {
  return text.replaceAll(/^/gm, ' '.repeat(by));
}
