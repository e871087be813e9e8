/**
 * A cluster's HTTP/1 options as its codec wants them, with Envoy's defaults. Read once per cluster and worker: the codecs of all
 * its connections share the object.
 */
import type { Cluster, Http1ProtocolOptions, HttpProtocolOptions } from '../api/envoy.ts';
import { http1ClientSettings } from '../codec/http1/settings.ts';
import type { HeaderKeyFormat, Http1ClientSettings } from '../codec/http1/settings.ts';
import type { ClusterSettings } from '../upstream/cluster-settings.ts';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const known = new WeakMap<ClusterSettings, Http1ClientSettings>();

export function clientSettings(cluster: ClusterSettings): Http1ClientSettings {
  let settings = known.get(cluster);
  if (settings === undefined) {
    settings = compile(cluster.config);
    known.set(cluster, settings);
  }
  return settings;
}

function compile(config: Cluster): Http1ClientSettings {
  const typed = config.typed_extension_protocol_options?.[HTTP_OPTIONS];
  const options = typed?.['@type'] === HTTP_OPTIONS ? typed : undefined;
  const common = options?.common_http_protocol_options ?? config.common_http_protocol_options;
  const http1 = http1Options(options) ?? config.http_protocol_options ?? {};
  const { enable_trailers: enableTrailers = false, allow_chunked_length: allowChunkedLength = false } = http1;
  const maxHeadersCount = common?.max_headers_count;
  return http1ClientSettings({
    enableTrailers,
    allowChunkedLength,
    headerKeyFormat: headerKeyFormat(http1),
    ...(maxHeadersCount === undefined ? {} : { maxHeadersCount }),
  });
}

function http1Options(options: HttpProtocolOptions | undefined): Http1ProtocolOptions | undefined {
  const {
    explicit_http_config: explicit,
    use_downstream_protocol_config: downstream,
    auto_config: auto,
  } = options ?? {};
  return explicit?.http_protocol_options ?? downstream?.http_protocol_options ?? auto?.http_protocol_options;
}

export function headerKeyFormat({ header_key_format: format }: Http1ProtocolOptions): HeaderKeyFormat {
  if (format?.proper_case_words !== undefined) return 'proper-case';
  return format?.stateful_formatter === undefined ? 'lower' : 'preserve';
}
