/**
 * What nodeproxy implements of Envoy's configuration: data only. A field that is not listed is refused as "known to Envoy, not
 * supported by nodeproxy yet"; nothing is read and then ignored.
 *
 * Whoever implements a field adds it here, in the same commit. A test checks that every name exists in the schema and that
 * every message that a listed field leads to is listed too.
 */

const C = 'envoy.config';
const HTTP = 'envoy.extensions.filters.http';
const NETWORK = 'envoy.extensions.filters.network';
const HCM = `${NETWORK}.http_connection_manager.v3`;
const LOGGERS = 'envoy.extensions.access_loggers';
const POLICIES = 'envoy.extensions.load_balancing_policies';
const MUTATIONS =
  'request_headers_to_add request_headers_to_remove response_headers_to_add response_headers_to_remove';

/** Fields by message, separated by blanks. */
export const SUPPORTED_FIELDS: Readonly<Record<string, string>> = {
  // The process.
  [`${C}.bootstrap.v3.Bootstrap`]: `node static_resources admin stats_flush_interval watchdogs layered_runtime
    enable_dispatcher_stats overload_manager`,
  [`${C}.bootstrap.v3.Bootstrap.StaticResources`]: 'listeners clusters',
  [`${C}.bootstrap.v3.Admin`]: 'address',
  [`${C}.bootstrap.v3.Watchdogs`]: 'main_thread_watchdog worker_watchdog',
  [`${C}.bootstrap.v3.Watchdog`]: 'miss_timeout megamiss_timeout',
  [`${C}.bootstrap.v3.LayeredRuntime`]: 'layers',
  [`${C}.bootstrap.v3.RuntimeLayer`]: 'name static_layer',
  [`${C}.overload.v3.OverloadManager`]: 'resource_monitors',
  [`${C}.overload.v3.ResourceMonitor`]: 'name typed_config',
  'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig':
    'max_active_downstream_connections',
  [`${C}.core.v3.Node`]: 'id cluster metadata locality',
  [`${C}.core.v3.Locality`]: 'region zone sub_zone',
  [`${C}.core.v3.Metadata`]: 'filter_metadata',

  // Addresses.
  [`${C}.core.v3.Address`]: 'socket_address pipe',
  [`${C}.core.v3.SocketAddress`]: 'protocol address port_value',
  [`${C}.core.v3.Pipe`]: 'path mode',
  [`${C}.core.v3.CidrRange`]: 'address_prefix prefix_len',

  // Listeners.
  [`${C}.listener.v3.Listener`]: `name address stat_prefix filter_chains default_filter_chain
    per_connection_buffer_limit_bytes connection_balance_config enable_reuse_port tcp_backlog_size transparent
    max_connections_to_accept_per_socket_event ignore_global_conn_limit traffic_direction access_log metadata`,
  [`${C}.listener.v3.Listener.ConnectionBalanceConfig`]: 'exact_balance',
  [`${C}.listener.v3.Listener.ConnectionBalanceConfig.ExactBalance`]: '',
  [`${C}.listener.v3.FilterChain`]: 'name filter_chain_match filters transport_socket metadata',
  [`${C}.listener.v3.FilterChainMatch`]: `destination_port prefix_ranges direct_source_prefix_ranges source_type
    source_prefix_ranges source_ports`,
  [`${C}.listener.v3.Filter`]: 'name typed_config',
  [`${C}.core.v3.TransportSocket`]: 'name typed_config',
  'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer': '',

  // Network filters.
  [`${NETWORK}.echo.v3.Echo`]: '',
  [`${NETWORK}.tcp_proxy.v3.TcpProxy`]: `stat_prefix cluster weighted_clusters idle_timeout access_log
    max_connect_attempts max_downstream_connection_duration`,
  [`${NETWORK}.tcp_proxy.v3.TcpProxy.WeightedCluster`]: 'clusters',
  [`${NETWORK}.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight`]: 'name weight',

  // The HTTP connection manager.
  [`${HCM}.HttpConnectionManager`]: `codec_type stat_prefix route_config http_filters
    common_http_protocol_options http_protocol_options server_name server_header_transformation
    scheme_header_transformation max_request_headers_kb stream_idle_timeout request_timeout request_headers_timeout
    delayed_close_timeout access_log use_remote_address xff_num_trusted_hops internal_address_config
    skip_xff_append via generate_request_id preserve_external_request_id always_set_request_id_in_response
    proxy_100_continue upgrade_configs normalize_path merge_slashes path_with_escaped_slashes_action
    strip_matching_host_port strip_any_host_port strip_trailing_host_dot stream_error_on_invalid_http_message
    append_x_forwarded_port access_log_options local_reply_config`,
  [`${HCM}.LocalReplyConfig`]: 'mappers body_format',
  [`${HCM}.ResponseMapper`]: 'filter status_code body body_format_override headers_to_add',
  [`${HCM}.HttpConnectionManager.InternalAddressConfig`]: 'unix_sockets cidr_ranges',
  [`${HCM}.HttpConnectionManager.UpgradeConfig`]: 'upgrade_type enabled',
  [`${HCM}.HttpConnectionManager.HcmAccessLogOptions`]:
    'access_log_flush_interval flush_access_log_on_new_request',
  [`${HCM}.HttpFilter`]: 'name typed_config disabled',
  [`${C}.core.v3.SchemeHeaderTransformation`]: 'scheme_to_overwrite',
  [`${C}.core.v3.HttpProtocolOptions`]: `idle_timeout max_connection_duration max_headers_count max_stream_duration
    headers_with_underscores_action max_requests_per_connection`,
  [`${C}.core.v3.Http1ProtocolOptions`]: `allow_absolute_url accept_http_10 default_host_for_http_10 header_key_format
    enable_trailers allow_chunked_length override_stream_error_on_invalid_http_message`,
  [`${C}.core.v3.Http1ProtocolOptions.HeaderKeyFormat`]: 'proper_case_words stateful_formatter',
  [`${C}.core.v3.Http1ProtocolOptions.HeaderKeyFormat.ProperCaseWords`]: '',
  [`${C}.core.v3.TypedExtensionConfig`]: 'name typed_config',
  'envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig': '',

  // HTTP filters.
  [`${HTTP}.router.v3.Router`]: `dynamic_stats suppress_envoy_headers strict_check_headers
    respect_expected_rq_timeout upstream_log`,
  [`${HTTP}.buffer.v3.Buffer`]: 'max_request_bytes',
  [`${HTTP}.buffer.v3.BufferPerRoute`]: 'disabled buffer',
  [`${HTTP}.fault.v3.HTTPFault`]: 'delay abort upstream_cluster headers max_active_faults',
  [`${HTTP}.fault.v3.FaultAbort`]: 'http_status header_abort percentage',
  [`${HTTP}.fault.v3.FaultAbort.HeaderAbort`]: '',
  'envoy.extensions.filters.common.fault.v3.FaultDelay': 'fixed_delay header_delay percentage',
  'envoy.extensions.filters.common.fault.v3.FaultDelay.HeaderDelay': '',
  'nodeproxy.extensions.filters.http.javascript.v1.JavaScript': 'module config',

  // Routes.
  [`${C}.route.v3.RouteConfiguration`]: `name virtual_hosts ${MUTATIONS}
    most_specific_header_mutations_wins validate_clusters max_direct_response_body_size_bytes
    ignore_port_in_host_matching typed_per_filter_config metadata`,
  [`${C}.route.v3.VirtualHost`]: `name domains routes require_tls ${MUTATIONS} typed_per_filter_config
    include_request_attempt_count include_attempt_count_in_response retry_policy include_is_timeout_retry_header
    per_request_buffer_limit_bytes metadata`,
  [`${C}.route.v3.Route`]: `name match route redirect direct_response ${MUTATIONS} typed_per_filter_config
    per_request_buffer_limit_bytes metadata`,
  [`${C}.route.v3.RouteMatch`]: `prefix path safe_regex path_separated_prefix case_sensitive runtime_fraction headers
    query_parameters`,
  [`${C}.route.v3.HeaderMatcher`]: `name exact_match safe_regex_match range_match present_match prefix_match suffix_match
    contains_match string_match invert_match treat_missing_header_as_empty`,
  [`${C}.route.v3.QueryParameterMatcher`]: 'name string_match present_match',
  [`${C}.route.v3.RouteAction`]: `cluster cluster_header weighted_clusters cluster_not_found_response_code prefix_rewrite
    regex_rewrite host_rewrite_literal auto_host_rewrite host_rewrite_header host_rewrite_path_regex
    append_x_forwarded_host timeout idle_timeout retry_policy priority upgrade_configs max_stream_duration`,
  [`${C}.route.v3.RouteAction.UpgradeConfig`]: 'upgrade_type enabled',
  [`${C}.route.v3.RouteAction.MaxStreamDuration`]: 'max_stream_duration',
  [`${C}.route.v3.WeightedCluster`]: 'clusters total_weight header_name',
  [`${C}.route.v3.WeightedCluster.ClusterWeight`]: `name cluster_header weight ${MUTATIONS} typed_per_filter_config
    host_rewrite_literal`,
  [`${C}.route.v3.RedirectAction`]: `https_redirect scheme_redirect host_redirect port_redirect path_redirect
    prefix_rewrite regex_rewrite response_code strip_query`,
  [`${C}.route.v3.DirectResponseAction`]: 'status body',
  [`${C}.route.v3.RetryPolicy`]: `retry_on num_retries per_try_timeout per_try_idle_timeout retry_host_predicate
    host_selection_retry_max_attempts retriable_status_codes retry_back_off rate_limited_retry_back_off
    retriable_headers retriable_request_headers`,
  [`${C}.route.v3.RetryPolicy.RetryHostPredicate`]: 'name typed_config',
  [`${C}.route.v3.RetryPolicy.RetryBackOff`]: 'base_interval max_interval',
  [`${C}.route.v3.RetryPolicy.RateLimitedRetryBackOff`]: 'reset_headers max_interval',
  [`${C}.route.v3.RetryPolicy.ResetHeader`]: 'name format',
  'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate': '',
  'envoy.type.matcher.v3.StringMatcher': 'exact prefix suffix safe_regex contains ignore_case',
  'envoy.type.matcher.v3.RegexMatcher': 'google_re2 regex',
  'envoy.type.matcher.v3.RegexMatcher.GoogleRE2': '',
  'envoy.type.matcher.v3.RegexMatchAndSubstitute': 'pattern substitution',
  'envoy.type.v3.Int64Range': 'start end',
  'envoy.type.v3.FractionalPercent': 'numerator denominator',
  'envoy.type.v3.Percent': 'value',
  [`${C}.core.v3.RuntimeFractionalPercent`]: 'default_value runtime_key',
  [`${C}.core.v3.RuntimeUInt32`]: 'default_value runtime_key',
  [`${C}.core.v3.RuntimeDouble`]: 'default_value runtime_key',
  [`${C}.core.v3.HeaderValueOption`]: 'header append append_action keep_empty_value',
  [`${C}.core.v3.HeaderValue`]: 'key value raw_value',
  [`${C}.core.v3.DataSource`]: 'inline_string inline_bytes',

  // Clusters.
  [`${C}.cluster.v3.Cluster`]: `name alt_stat_name type connect_timeout per_connection_buffer_limit_bytes lb_policy
    load_assignment max_requests_per_connection circuit_breakers common_http_protocol_options http_protocol_options
    typed_extension_protocol_options dns_refresh_rate dns_failure_refresh_rate dns_lookup_family respect_dns_ttl
    dns_resolution_config dns_resolvers upstream_bind_config
    least_request_lb_config load_balancing_policy upstream_connection_options transport_socket
    filters metadata`,
  [`${C}.cluster.v3.Filter`]: 'name typed_config',
  'nodeproxy.extensions.filters.network.tap.v1.Tap': 'path',
  [`${C}.core.v3.DnsResolutionConfig`]: 'resolvers',
  [`${C}.cluster.v3.Cluster.LeastRequestLbConfig`]: 'choice_count active_request_bias',
  [`${C}.cluster.v3.Cluster.RefreshRate`]: 'base_interval max_interval',
  [`${C}.cluster.v3.LoadBalancingPolicy`]: 'policies',
  [`${C}.cluster.v3.LoadBalancingPolicy.Policy`]: 'typed_extension_config',
  [`${POLICIES}.round_robin.v3.RoundRobin`]: '',
  [`${POLICIES}.least_request.v3.LeastRequest`]: 'choice_count active_request_bias',
  [`${POLICIES}.random.v3.Random`]: '',
  [`${C}.cluster.v3.UpstreamConnectionOptions`]: 'tcp_keepalive',
  [`${C}.core.v3.TcpKeepalive`]: 'keepalive_probes keepalive_time keepalive_interval',
  [`${C}.core.v3.BindConfig`]: 'source_address',
  [`${C}.cluster.v3.CircuitBreakers`]: 'thresholds',
  [`${C}.cluster.v3.CircuitBreakers.Thresholds`]: `priority max_connections max_pending_requests max_requests max_retries
    retry_budget track_remaining`,
  [`${C}.cluster.v3.CircuitBreakers.Thresholds.RetryBudget`]: 'budget_percent min_retry_concurrency',
  [`${C}.endpoint.v3.ClusterLoadAssignment`]: 'cluster_name endpoints',
  [`${C}.endpoint.v3.LocalityLbEndpoints`]: 'locality lb_endpoints priority metadata',
  [`${C}.endpoint.v3.LbEndpoint`]: 'endpoint load_balancing_weight metadata',
  [`${C}.endpoint.v3.Endpoint`]: 'address hostname',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions':
    'common_http_protocol_options explicit_http_config',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig': 'http_protocol_options',
  'envoy.extensions.upstreams.tcp.v3.TcpProtocolOptions': 'idle_timeout',

  // Access logs.
  [`${C}.accesslog.v3.AccessLog`]: 'name filter typed_config',
  [`${LOGGERS}.file.v3.FileAccessLog`]: 'path format json_format typed_json_format log_format',
  [`${LOGGERS}.stream.v3.StdoutAccessLog`]: 'log_format',
  [`${LOGGERS}.stream.v3.StderrAccessLog`]: 'log_format',
  [`${C}.core.v3.SubstitutionFormatString`]:
    'text_format json_format text_format_source omit_empty_values json_format_options content_type',
  [`${C}.core.v3.JsonFormatOptions`]: 'sort_properties',
  [`${C}.accesslog.v3.AccessLogFilter`]: `status_code_filter duration_filter not_health_check_filter runtime_filter
    and_filter or_filter header_filter response_flag_filter`,
  [`${C}.accesslog.v3.StatusCodeFilter`]: 'comparison',
  [`${C}.accesslog.v3.DurationFilter`]: 'comparison',
  [`${C}.accesslog.v3.ComparisonFilter`]: 'op value',
  [`${C}.accesslog.v3.NotHealthCheckFilter`]: '',
  [`${C}.accesslog.v3.RuntimeFilter`]: 'runtime_key percent_sampled use_independent_randomness',
  [`${C}.accesslog.v3.AndFilter`]: 'filters',
  [`${C}.accesslog.v3.OrFilter`]: 'filters',
  [`${C}.accesslog.v3.HeaderFilter`]: 'header',
  [`${C}.accesslog.v3.ResponseFlagFilter`]: 'flags',
};

/** Values by enum, where only some are implemented. */
export const SUPPORTED_VALUES: Readonly<Record<string, string>> = {
  [`${C}.cluster.v3.Cluster.DiscoveryType`]: 'STATIC STRICT_DNS',
  [`${C}.cluster.v3.Cluster.LbPolicy`]: 'ROUND_ROBIN LEAST_REQUEST RANDOM LOAD_BALANCING_POLICY_CONFIG',
  [`${C}.core.v3.SocketAddress.Protocol`]: 'TCP',
  [`${HCM}.HttpConnectionManager.CodecType`]: 'AUTO HTTP1',
};

const ACCESS_LOGS = [
  `${LOGGERS}.file.v3.FileAccessLog`,
  `${LOGGERS}.stream.v3.StdoutAccessLog`,
  `${LOGGERS}.stream.v3.StderrAccessLog`,
];
const RAW_BUFFER = ['envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer'];
const PER_ROUTE = [
  `${HTTP}.buffer.v3.BufferPerRoute`,
  `${HTTP}.fault.v3.HTTPFault`,
  'nodeproxy.extensions.filters.http.javascript.v1.JavaScript',
];

/** What may stand behind an `Any`, by the message and field that hold it. */
export const SUPPORTED_EXTENSIONS: Readonly<Record<string, readonly string[]>> = {
  [`${C}.listener.v3.Filter.typed_config`]: [
    `${HCM}.HttpConnectionManager`,
    `${NETWORK}.tcp_proxy.v3.TcpProxy`,
    `${NETWORK}.echo.v3.Echo`,
  ],
  [`${HCM}.HttpFilter.typed_config`]: [
    `${HTTP}.router.v3.Router`,
    `${HTTP}.buffer.v3.Buffer`,
    `${HTTP}.fault.v3.HTTPFault`,
    'nodeproxy.extensions.filters.http.javascript.v1.JavaScript',
  ],
  [`${C}.route.v3.RouteConfiguration.typed_per_filter_config`]: PER_ROUTE,
  [`${C}.route.v3.VirtualHost.typed_per_filter_config`]: PER_ROUTE,
  [`${C}.route.v3.Route.typed_per_filter_config`]: PER_ROUTE,
  [`${C}.route.v3.WeightedCluster.ClusterWeight.typed_per_filter_config`]: PER_ROUTE,
  [`${C}.accesslog.v3.AccessLog.typed_config`]: ACCESS_LOGS,
  [`${C}.core.v3.TransportSocket.typed_config`]: RAW_BUFFER,
  // Its places that are listed above: the header formatter of HTTP/1 and the balancers of a cluster.
  [`${C}.core.v3.TypedExtensionConfig.typed_config`]: [
    'envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
    `${POLICIES}.round_robin.v3.RoundRobin`,
    `${POLICIES}.least_request.v3.LeastRequest`,
    `${POLICIES}.random.v3.Random`,
  ],
  [`${C}.route.v3.RetryPolicy.RetryHostPredicate.typed_config`]: [
    'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
  ],
  [`${C}.cluster.v3.Cluster.typed_extension_protocol_options`]: [
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    'envoy.extensions.upstreams.tcp.v3.TcpProtocolOptions',
  ],
  [`${C}.cluster.v3.Filter.typed_config`]: ['nodeproxy.extensions.filters.network.tap.v1.Tap'],
  [`${C}.overload.v3.ResourceMonitor.typed_config`]: [
    'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
  ],
};

/** Keys of a `static_layer` that something reads; `*` stands for a listener's name. */
export const SUPPORTED_RUNTIME_KEYS: readonly string[] = [
  'overload.global_downstream_max_connections',
  'envoy.resource_limits.listener.*.connection_limit',
  'nodeproxy.coalesce_writes',
];
