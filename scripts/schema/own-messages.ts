/**
 * What stands in our schema beside Envoy's definitions: messages of our own extensions, fields that Envoy has got since the
 * definitions that we read were published, and the names that types get in `src/api/envoy.ts`.
 */
import type { FieldDescriptor, MessageDescriptor } from '../../src/config/descriptor.ts';

export const OWN_MESSAGES: Readonly<Record<string, MessageDescriptor>> = {
  'nodeproxy.extensions.filters.http.javascript.v1.JavaScript': {
    f: {
      // Path of an ES module, relative to the folder of the configuration file.
      module: { n: 1, t: 'string', v: { minLen: 1 } },
      // Handed to the default export of the module.
      config: { n: 2, m: 'google.protobuf.Struct' },
    },
  },
  'nodeproxy.extensions.filters.network.tap.v1.Tap': {
    f: {
      // File that what passes is written to, a line of JSON for each piece.
      path: { n: 1, t: 'string', v: { minLen: 1 } },
    },
  },
};

/** Newer fields: message, name, descriptor. The generator fails when the definitions come to have one of them. */
export const OWN_FIELDS: Readonly<Record<string, Readonly<Record<string, FieldDescriptor>>>> = {};

/** Messages that the types file starts from: the bootstrap reaches the rest, except what stands behind an `Any`. */
export const TYPE_ROOTS: readonly string[] = [
  'envoy.config.bootstrap.v3.Bootstrap',
  'envoy.config.listener.v3.Listener',
  'envoy.config.cluster.v3.Cluster',
  'envoy.config.route.v3.RouteConfiguration',
  'envoy.config.endpoint.v3.ClusterLoadAssignment',
];

/** Messages that stand behind an `Any`: members of the union `Any`, told apart by `@type`. */
export const EXTENSION_ROOTS: readonly string[] = [
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  'envoy.extensions.filters.network.echo.v3.Echo',
  'envoy.extensions.filters.network.direct_response.v3.Config',
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector',
  'envoy.extensions.filters.listener.original_dst.v3.OriginalDst',
  'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol',
  'envoy.extensions.filters.http.router.v3.Router',
  'envoy.extensions.filters.http.buffer.v3.Buffer',
  'envoy.extensions.filters.http.buffer.v3.BufferPerRoute',
  'envoy.extensions.filters.http.fault.v3.HTTPFault',
  'nodeproxy.extensions.filters.http.javascript.v1.JavaScript',
  'nodeproxy.extensions.filters.network.tap.v1.Tap',
  'envoy.extensions.access_loggers.file.v3.FileAccessLog',
  'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
  'envoy.extensions.access_loggers.stream.v3.StderrAccessLog',
  'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
  'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
  'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  'envoy.extensions.upstreams.tcp.v3.TcpProtocolOptions',
  'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin',
  'envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest',
  'envoy.extensions.load_balancing_policies.random.v3.Random',
  'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
  'envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig',
  'envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
  'envoy.extensions.http.original_ip_detection.xff.v3.XffConfig',
  'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
];

/** Names that the rules of `names.ts` would give to two messages, or that hide something else of the language. */
export const SHORT_NAMES: Readonly<Record<string, string>> = {
  'envoy.config.listener.v3.Filter': 'NetworkFilter',
  'envoy.config.cluster.v3.Filter': 'UpstreamNetworkFilter',
  // `Address` is the one of `api/socket.ts`.
  'envoy.config.core.v3.Address': 'AddressConfig',
  'envoy.extensions.filters.http.fault.v3.HTTPFault': 'FaultConfig',
  'envoy.extensions.filters.http.buffer.v3.Buffer': 'BufferConfig',
  'envoy.extensions.filters.http.router.v3.Router': 'Router',
  'envoy.extensions.filters.network.direct_response.v3.Config': 'DirectResponseConfig',
  'nodeproxy.extensions.filters.http.javascript.v1.JavaScript': 'JavaScriptConfig',
  'nodeproxy.extensions.filters.network.tap.v1.Tap': 'TapConfig',
  'envoy.config.route.v3.RetryPolicy': 'RetryPolicy',
  'envoy.config.core.v3.RetryPolicy': 'CoreRetryPolicy',
  'envoy.config.cluster.v3.Cluster': 'Cluster',
  'envoy.config.cluster.v3.CircuitBreakers': 'CircuitBreakers',
  'envoy.config.core.v3.Node': 'NodeConfig',
  'envoy.config.endpoint.v3.Endpoint': 'Endpoint',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': 'HttpProtocolOptions',
  'envoy.config.core.v3.HttpProtocolOptions': 'CommonHttpProtocolOptions',
  'envoy.config.accesslog.v3.AccessLog': 'AccessLog',
  'envoy.type.matcher.v3.RegexMatcher': 'RegexMatcher',
  'envoy.type.matcher.v3.StringMatcher': 'StringMatcher',
  'envoy.config.core.v3.TypedExtensionConfig': 'TypedExtensionConfig',
};
