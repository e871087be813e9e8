/**
 * What the connection manager reads of its configuration: checked once per filter chain and worker, defaults filled in
 * (`envoy-reference.md` section 8), durations in ms with 0 = off. Frozen; every connection of the chain shares it.
 */
import type {
  HttpConnectionManager,
  HttpConnectionManagerPathWithEscapedSlashesAction,
  HttpConnectionManagerServerHeaderTransformation,
} from '../api/envoy.ts';
import { AddressRanges } from './address-ranges.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

export interface HttpSettings {
  readonly statPrefix: string;
  readonly serverName: string;
  readonly serverTransformation: HttpConnectionManagerServerHeaderTransformation;
  readonly via: string;
  readonly idleTimeoutMs: number;
  readonly maxConnectionDurationMs: number;
  readonly maxRequestsPerConnection: number;
  readonly maxStreamDurationMs: number;
  readonly streamIdleTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly requestHeadersTimeoutMs: number;
  readonly delayedCloseTimeoutMs: number;
  readonly useRemoteAddress: boolean;
  readonly xffTrustedHops: number;
  readonly skipXffAppend: boolean;
  readonly internalRanges: AddressRanges;
  readonly generateRequestId: boolean;
  readonly preserveExternalRequestId: boolean;
  readonly requestIdInResponse: boolean;
  readonly proxy100Continue: boolean;
  readonly acceptHttp10: boolean;
  readonly defaultHostForHttp10: string;
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: Exclude<
    HttpConnectionManagerPathWithEscapedSlashesAction,
    'IMPLEMENTATION_SPECIFIC_DEFAULT'
  >;
  readonly stripMatchingHostPort: boolean;
  readonly stripAnyHostPort: boolean;
  readonly stripTrailingHostDot: boolean;
  readonly appendXForwardedPort: boolean;
  readonly schemeOverwrite: string;
  /** Upgrade tokens in lower case that are switched on; `connect` among them for CONNECT. */
  readonly upgrades: readonly string[];
  readonly flushLogOnNewRequest: boolean;
  /** A log line of every running stream this often, in ms; 0 = at its end alone. */
  readonly logFlushIntervalMs: number;
}

export function compileHttpSettings(config: HttpConnectionManager): HttpSettings {
  const common = config.common_http_protocol_options ?? {};
  const http1 = config.http_protocol_options ?? {};
  const escaped = config.path_with_escaped_slashes_action ?? 'KEEP_UNCHANGED';
  return Object.freeze({
    statPrefix: config.stat_prefix ?? '',
    serverName:
      config.server_name === undefined || config.server_name === '' ? 'nodeproxy' : config.server_name,
    serverTransformation: config.server_header_transformation ?? 'OVERWRITE',
    via: config.via ?? '',
    idleTimeoutMs: common.idle_timeout ?? HOUR_MS,
    maxConnectionDurationMs: common.max_connection_duration ?? 0,
    maxRequestsPerConnection: common.max_requests_per_connection ?? 0,
    maxStreamDurationMs: common.max_stream_duration ?? 0,
    streamIdleTimeoutMs: config.stream_idle_timeout ?? 5 * MINUTE_MS,
    requestTimeoutMs: config.request_timeout ?? 0,
    requestHeadersTimeoutMs: config.request_headers_timeout ?? 0,
    delayedCloseTimeoutMs: config.delayed_close_timeout ?? 1000,
    useRemoteAddress: config.use_remote_address ?? false,
    xffTrustedHops: config.xff_num_trusted_hops ?? 0,
    skipXffAppend: config.skip_xff_append ?? false,
    internalRanges: new AddressRanges(config.internal_address_config),
    generateRequestId: config.generate_request_id ?? true,
    preserveExternalRequestId: config.preserve_external_request_id ?? false,
    requestIdInResponse: config.always_set_request_id_in_response ?? false,
    proxy100Continue: config.proxy_100_continue ?? false,
    acceptHttp10: http1.accept_http_10 ?? false,
    defaultHostForHttp10: http1.default_host_for_http_10 ?? '',
    normalizePath: config.normalize_path ?? false,
    mergeSlashes: config.merge_slashes ?? false,
    escapedSlashes: escaped === 'IMPLEMENTATION_SPECIFIC_DEFAULT' ? 'KEEP_UNCHANGED' : escaped,
    stripMatchingHostPort: config.strip_matching_host_port ?? false,
    stripAnyHostPort: config.strip_any_host_port ?? false,
    stripTrailingHostDot: config.strip_trailing_host_dot ?? false,
    appendXForwardedPort: config.append_x_forwarded_port ?? false,
    schemeOverwrite: config.scheme_header_transformation?.scheme_to_overwrite ?? '',
    upgrades: (config.upgrade_configs ?? [])
      .filter((upgrade) => upgrade.enabled ?? true)
      .map((upgrade) => (upgrade.upgrade_type ?? '').toLowerCase()),
    flushLogOnNewRequest: config.access_log_options?.flush_access_log_on_new_request ?? false,
    logFlushIntervalMs: config.access_log_options?.access_log_flush_interval ?? 0,
  });
}
