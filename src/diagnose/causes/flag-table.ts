/**
 * Every response flag in plain words: what happened, who ended it, which setting decides, what to change. Names of settings are
 * Envoy's; defaults are those of `envoy-reference.md`, sections 1 and 12.
 */
import { remedy, type FailureMeaning } from './failure-meaning.ts';

export const FLAG_TABLE: Readonly<Record<string, FailureMeaning>> = {
  UH: {
    what: 'the cluster had no healthy host to send the request to',
    first: 'proxy',
    remedies: [
      remedy(
        'See why hosts fail their checks or were ejected: /clusters of the admin.',
        'health_checks and outlier_detection of the cluster',
      ),
      remedy(
        'Let traffic go on to unhealthy hosts when most are unhealthy.',
        'common_lb_config.healthy_panic_threshold of the cluster (50 % unless set)',
      ),
    ],
  },
  UF: {
    what: 'no connection to the upstream could be opened (refused, timed out, or its TLS handshake failed)',
    first: 'upstream',
    remedies: [
      remedy(
        'See whether the service listens and is reached; UPSTREAM_TRANSPORT_FAILURE_REASON in the line has the words of TLS.',
      ),
      remedy('How long a connection may take to open.', 'connect_timeout of the cluster (5 s unless set)'),
      remedy(
        'Try another host: the request was not sent, so it is safe.',
        'retry_policy.retry_on: connect-failure of the route',
      ),
    ],
  },
  UO: {
    what: 'a circuit breaker of the cluster was full; the proxy did not even try',
    first: 'proxy',
    remedies: [
      remedy(
        'Raise the breaker that is full (upstream_rq_pending_overflow or upstream_cx_overflow tells which), if the service can take more.',
        'circuit_breakers.thresholds: max_connections, max_pending_requests, max_requests, max_retries of the cluster',
      ),
    ],
  },
  NR: {
    what: 'no route (or no filter chain) matched the request',
    first: 'proxy',
    remedies: [
      remedy(
        'Compare host and path with the routes: /config_dump of the admin.',
        'virtual_hosts.domains and routes.match of the route_config',
      ),
    ],
  },
  URX: {
    what: 'the retries (or connect attempts) were used up',
    first: 'proxy',
    remedies: [
      remedy(
        'The other flags and the code tell why the attempts failed; more of them only help against what passes.',
        'retry_policy.num_retries of the route (1 unless set)',
      ),
      remedy('For TCP:', 'max_connect_attempts of the tcp_proxy (1 unless set)'),
    ],
  },
  NC: {
    what: 'the route names a cluster that does not exist',
    first: 'proxy',
    remedies: [
      remedy(
        'Add the cluster, or correct the name.',
        'route.cluster, or cluster_not_found_response_code of the route',
      ),
    ],
  },
  DT: {
    what: 'the connection reached its longest allowed duration',
    first: 'proxy',
    remedies: [
      remedy(
        'Raise or remove the limit.',
        'common_http_protocol_options.max_connection_duration of the HttpConnectionManager, max_downstream_connection_duration of the tcp_proxy',
      ),
    ],
  },
  DC: {
    what: 'the client closed its connection before it had its response',
    first: 'client',
    remedies: [
      remedy(
        'Compare the time in these lines with the client’s own timeout; if they agree, the response is too slow for it.',
      ),
      remedy(
        'A proxy or balancer in front may give up first: align its timeout.',
        'timeout of the route (15 s unless set)',
      ),
    ],
  },
  LH: {
    what: 'the local service failed the health check filter',
    first: 'proxy',
    remedies: [remedy('See why the service reports itself unhealthy.', 'envoy.filters.http.health_check')],
  },
  UT: {
    what: 'the upstream did not answer within the timeout; the proxy gave up with 504',
    first: 'proxy',
    remedies: [
      remedy('Make the service faster, or give it longer.', 'timeout of the route (15 s unless set)'),
      remedy('Give up on one try earlier and try another host.', 'retry_policy.per_try_timeout of the route'),
    ],
  },
  LR: {
    what: 'the proxy itself reset the stream to the upstream',
    first: 'proxy',
    remedies: [
      remedy('RESPONSE_CODE_DETAILS has the reason; the application log at level debug has the moment.'),
    ],
  },
  UR: {
    what: 'the upstream reset the stream',
    first: 'upstream',
    remedies: [
      remedy('Look into the service’s own log at this moment.'),
      remedy('Repeat what is safe to repeat.', 'retry_policy.retry_on: reset of the route'),
    ],
  },
  UC: {
    what: 'the upstream closed the connection under the request, before it had answered',
    first: 'upstream',
    remedies: [
      remedy(
        'On a reused connection: the service closes idle ones at the moment the proxy uses them. Let the proxy close them first, with a timeout shorter than the service’s keep-alive.',
        'common_http_protocol_options.idle_timeout of the cluster (1 h unless set)',
      ),
      remedy(
        'Repeat requests that are safe to repeat.',
        'retry_policy.retry_on: reset, connect-failure (or reset-before-request) of the route',
      ),
      remedy('On a new connection: the service crashed or refuses; look into its log.'),
    ],
  },
  DI: {
    what: 'the fault filter delayed it on purpose',
    first: 'nobody',
    remedies: [remedy('Switch it off if no test is running.', 'envoy.filters.http.fault, delay')],
  },
  FI: {
    what: 'the fault filter answered it on purpose',
    first: 'proxy',
    remedies: [remedy('Switch it off if no test is running.', 'envoy.filters.http.fault, abort')],
  },
  RL: {
    what: 'a rate limit refused it',
    first: 'proxy',
    remedies: [
      remedy(
        'Raise the limit, or have the client send less.',
        'envoy.filters.http.local_ratelimit, token_bucket; or the rate limit service',
      ),
    ],
  },
  UAEX: {
    what: 'external authorization refused it',
    first: 'proxy',
    remedies: [remedy('Ask the authorization service why.', 'envoy.filters.http.ext_authz')],
  },
  RLSE: {
    what: 'the rate limit service failed, and the filter refuses then',
    first: 'proxy',
    remedies: [
      remedy(
        'Mend the service, or let requests pass while it fails.',
        'failure_mode_deny of envoy.filters.http.ratelimit',
      ),
    ],
  },
  IH: {
    what: 'an x-envoy-… header had a value that the strict check refuses',
    first: 'proxy',
    remedies: [
      remedy('Correct the header in the client, or check fewer.', 'strict_check_headers of the router'),
    ],
  },
  SI: {
    what: 'nothing moved in the stream for as long as the idle timeout; the proxy gave up (408, or 504 when the request was whole)',
    first: 'proxy',
    remedies: [
      remedy(
        'Find which side stood still: no end of the request is the client’s, no byte of the response the upstream’s.',
        'stream_idle_timeout of the HttpConnectionManager (5 min unless set), or idle_timeout of the route',
      ),
    ],
  },
  DPE: {
    what: 'the client broke the protocol; the proxy refused the request and closed the connection',
    first: 'proxy',
    remedies: [
      remedy(
        'RESPONSE_CODE_DETAILS says what (http1.…). Of requests with a head that is too large:',
        'max_request_headers_kb of the HttpConnectionManager (60 unless set)',
      ),
      remedy(
        'Old clients that speak HTTP/1.0:',
        'http_protocol_options.accept_http_10 of the HttpConnectionManager',
      ),
    ],
  },
  UPE: {
    what: 'the upstream broke the protocol; its answer could not be passed on (502)',
    first: 'proxy',
    remedies: [
      remedy(
        'RESPONSE_CODE_DETAILS says what; usual ones are two transfer-encoding headers, and heads beyond the limit.',
        'max_response_headers_kb in common_http_protocol_options of the cluster',
      ),
    ],
  },
  UMSDR: {
    what: 'the stream to the upstream reached its longest allowed duration',
    first: 'proxy',
    remedies: [
      remedy('Raise the limit.', 'max_stream_duration of the route or of common_http_protocol_options'),
    ],
  },
  RFCF: { what: 'it was answered from a cache', first: 'nobody', remedies: [] },
  NFCF: {
    what: 'the configuration of a filter had not come',
    first: 'proxy',
    remedies: [remedy('See whether the control plane sends it.', 'config_discovery of the filter')],
  },
  OM: {
    what: 'the overload manager ended it',
    first: 'proxy',
    remedies: [
      remedy('See which resource was short: overload.* of /stats.', 'overload_manager of the bootstrap'),
    ],
  },
  DF: {
    what: 'the upstream’s name could not be resolved',
    first: 'proxy',
    remedies: [
      remedy(
        'See whether the name server answers.',
        'dns_resolution_config, dns_refresh_rate of the cluster',
      ),
    ],
  },
  DO: {
    what: 'the cluster drops part of its traffic by policy',
    first: 'proxy',
    remedies: [remedy('See who sets the policy.', 'load_assignment.policy.drop_overloads of the cluster')],
  },
  UDO: {
    what: 'the cluster drops all of its traffic by policy',
    first: 'proxy',
    remedies: [remedy('See who sets the policy.', 'load_assignment.policy.drop_overloads of the cluster')],
  },
  DR: {
    what: 'the client reset the stream',
    first: 'client',
    remedies: [
      remedy(
        'The client gave up on this request (a timeout, a page that was left); compare with its own timeout.',
      ),
    ],
  },
};
