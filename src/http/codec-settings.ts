/** What the connection manager's configuration says to the HTTP/1 codec. */
import type { Http1ProtocolOptions, HttpConnectionManager } from '../api/envoy.ts';
import { http1ServerSettings } from '../codec/http1/settings.ts';
import type { HeaderKeyFormat, Http1ServerSettings } from '../codec/http1/settings.ts';

const MAX_HEADERS_KB = 60;
const MAX_HEADERS = 100;

export function compileCodecSettings(config: HttpConnectionManager): Http1ServerSettings {
  const http1 = config.http_protocol_options ?? {};
  const common = config.common_http_protocol_options ?? {};
  return http1ServerSettings({
    maxHeadersKb: config.max_request_headers_kb ?? MAX_HEADERS_KB,
    maxHeadersCount: common.max_headers_count ?? MAX_HEADERS,
    acceptHttp10: http1.accept_http_10 ?? false,
    defaultHostForHttp10: http1.default_host_for_http_10 ?? '',
    enableTrailers: http1.enable_trailers ?? false,
    headerKeyFormat: headerKeyFormat(http1),
    allowChunkedLength: http1.allow_chunked_length ?? false,
    allowAbsoluteUrl: http1.allow_absolute_url ?? true,
    headersWithUnderscoresAction: common.headers_with_underscores_action ?? 'ALLOW',
    streamErrorOnInvalidHttpMessage:
      http1.override_stream_error_on_invalid_http_message ??
      config.stream_error_on_invalid_http_message ??
      false,
  });
}

function headerKeyFormat(http1: Http1ProtocolOptions): HeaderKeyFormat {
  if (http1.header_key_format?.proper_case_words !== undefined) return 'proper-case';
  return http1.header_key_format?.stateful_formatter === undefined ? 'lower' : 'preserve';
}
