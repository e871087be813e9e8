/**
 * Formats that have names: Envoy's default, and the instrumented one of nodeproxy (`access-log.md`).
 * Each line of a text format ends by its own newline.
 */

/** What Envoy writes when a log has no format (`envoy-reference.md`, section 4). */
export const DEFAULT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

/** Istio's default line, without its newline: the base that the instrumented one only adds to. */
const BASE_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% ' +
  '%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%';

const SIX_NUMBERS =
  '%DURATION%, %REQUEST_DURATION%, %REQUEST_TX_DURATION%, %RESPONSE_DURATION%, %RESPONSE_TX_DURATION%, ' +
  '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%';

const GROUPS = '"%DOWNSTREAM_READ_DURATION%" "%UPSTREAM_WRITE_DURATION%" "%UPSTREAM_READ_DURATION%"';

/** The talk's line: `requirements.md`, section 4. */
const TALK_LINE = `${BASE_FORMAT} : ${SIX_NUMBERS} : (%THREAD_ID%) ${GROUPS} %RESPONSE_DURATION% %RESPONSE_TX_DURATION%`;

export const INSTRUMENTED_FORMAT = `${TALK_LINE}\n`;

/** The talk's line and everything else that a diagnosis can use: the writes to the client, the ledger, the shared loop turns. */
export const DIAGNOSTIC_FORMAT = `${TALK_LINE} "%DOWNSTREAM_WRITE_DURATION%" %LEDGER% %VERDICT% %LOOP_TURN%\n`;

/** Istio's default line. */
export const ISTIO_FORMAT = `${BASE_FORMAT}\n`;
