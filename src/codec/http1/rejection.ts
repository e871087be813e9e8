/**
 * Why a codec refuses a message: one table for both sides (`envoy-reference.md`, sections 2, 5 and 17).
 *
 * The server codec answers with status and body and the flag DPE; the client codec resets its stream with `protocol error`
 * and the same details. `framingSound` tells that the end of the message is known all the same, so that with
 * `streamErrorOnInvalidHttpMessage` the connection may go on.
 */
export interface Rejection {
  readonly status: number;
  readonly body: string;
  /** `%RESPONSE_CODE_DETAILS%` */
  readonly details: string;
  readonly framingSound: boolean;
}

function rejection(status: number, body: string, details: string, framingSound = false): Rejection {
  return { status, body, details: `http1.${details}`, framingSound };
}

const BAD = 'Bad Request';
const TOO_LARGE = 'Request Header Fields Too Large';

export const REJECTIONS = {
  codecError: rejection(400, BAD, 'codec_error'),
  invalidCharacters: rejection(400, BAD, 'invalid_characters'),
  invalidUrl: rejection(400, BAD, 'invalid_url', true),
  headersTooLarge: rejection(431, TOO_LARGE, 'headers_too_large'),
  tooManyHeaders: rejection(431, TOO_LARGE, 'too_many_headers'),
  invalidTransferEncoding: rejection(501, 'Not Implemented', 'invalid_transfer_encoding'),
  transferEncodingNotAllowed: rejection(400, BAD, 'transfer_encoding_not_allowed'),
  lengthAndChunked: rejection(400, BAD, 'content_length_and_chunked_not_allowed'),
  contentLengthNotAllowed: rejection(400, BAD, 'content_length_not_allowed'),
  connectionHeader: rejection(400, BAD, 'connection_header_rejected', true),
  unexpectedUnderscore: rejection(400, BAD, 'unexpected_underscore', true),
  bodyDisallowed: rejection(400, BAD, 'body_disallowed'),
} as const;

/** A control character or a byte beyond ASCII in the target: where the line ends is not sure. */
export const BROKEN_URL: Rejection = { ...REJECTIONS.invalidUrl, framingSound: false };

/** White space before the colon, folded lines and lines without a name are broken framing; else it is a bad character. */
export function badName(byte: number): Rejection {
  return STRUCTURAL.includes(byte) ? REJECTIONS.codecError : REJECTIONS.invalidCharacters;
}

/** SP, HTAB, colon, CR, LF. */
const STRUCTURAL: readonly number[] = [0x20, 0x09, 0x3a, 0x0d, 0x0a];
