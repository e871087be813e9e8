/**
 * Failures that have no response flag, by the beginning of RESPONSE_CODE_DETAILS (`envoy-reference.md`, section 2): refusals of the
 * proxy itself, such as the 413 of the talk, and what the service answered.
 */
import { remedy, type FailureMeaning } from './failure-meaning.ts';

export const DETAILS_TABLE: readonly (readonly [string, FailureMeaning])[] = [
  [
    'request_payload_too_large',
    {
      what: 'the request body was larger than the proxy may collect; a filter that collects whole bodies (buffer, or one that waits for the end) refused it with 413. The buffer limits of connections do not refuse, they only slow down',
      first: 'proxy',
      remedies: [
        remedy(
          'Raise the limit of the buffer filter (maxRequestBytes).',
          'max_request_bytes of envoy.filters.http.buffer',
        ),
        remedy(
          'For filters that collect without a limit of their own:',
          'per_connection_buffer_limit_bytes of the listener (1 MiB unless set)',
        ),
        remedy(
          'Do not collect on the routes of uploads.',
          'typed_per_filter_config of the route, envoy.filters.http.buffer: disabled',
        ),
      ],
    },
  ],
  [
    'response_payload_too_large',
    {
      what: 'the response body was larger than the proxy may collect for a filter (500)',
      first: 'proxy',
      remedies: [
        remedy(
          'Raise the limit, or do not collect responses.',
          'per_connection_buffer_limit_bytes of the listener (1 MiB unless set)',
        ),
      ],
    },
  ],
  [
    'request_payload_exceeded_retry_buffer_limit',
    {
      what: 'the body was too large to be kept for a retry (507)',
      first: 'proxy',
      remedies: [
        remedy('Raise the limit, or do not retry uploads.', 'per_request_buffer_limit_bytes of the route'),
      ],
    },
  ],
  [
    'request_header_timeout',
    {
      what: 'the head of the request did not arrive in time (408)',
      first: 'proxy',
      remedies: [
        remedy(
          'Slow clients, or an attack; raise the limit if clients are slow.',
          'request_headers_timeout of the HttpConnectionManager',
        ),
      ],
    },
  ],
  [
    'request_overall_timeout',
    {
      what: 'the request did not arrive whole in time (408)',
      first: 'proxy',
      remedies: [
        remedy('Raise the limit if uploads take longer.', 'request_timeout of the HttpConnectionManager'),
      ],
    },
  ],
  [
    'max_duration_timeout',
    {
      what: 'the stream reached its longest allowed duration (408)',
      first: 'proxy',
      remedies: [
        remedy(
          'Raise the limit.',
          'common_http_protocol_options.max_stream_duration of the HttpConnectionManager',
        ),
      ],
    },
  ],
  [
    'low_version',
    {
      what: 'the client speaks HTTP/1.0 (426)',
      first: 'proxy',
      remedies: [remedy('Accept it.', 'http_protocol_options.accept_http_10 of the HttpConnectionManager')],
    },
  ],
  [
    'missing_host_header',
    {
      what: 'the request had no host (400)',
      first: 'proxy',
      remedies: [
        remedy(
          'Give HTTP/1.0 requests a host.',
          'http_protocol_options.default_host_for_http_10 of the HttpConnectionManager',
        ),
      ],
    },
  ],
  [
    'overload',
    {
      what: 'the proxy was overloaded and refused it',
      first: 'proxy',
      remedies: [remedy('See which resource was short.', 'overload_manager of the bootstrap')],
    },
  ],
  [
    'http1.headers_too_large',
    {
      what: 'the head of the request was larger than allowed (431)',
      first: 'proxy',
      remedies: [
        remedy('Raise the limit.', 'max_request_headers_kb of the HttpConnectionManager (60 unless set)'),
      ],
    },
  ],
  [
    'via_upstream',
    {
      what: 'the service itself answered so; the proxy only passed it on',
      first: 'nobody',
      remedies: [remedy('Look into the service’s own log.')],
    },
  ],
  [
    'direct_response',
    {
      what: 'the route answers so itself',
      first: 'nobody',
      remedies: [remedy('It is configured.', 'direct_response of the route')],
    },
  ],
];
