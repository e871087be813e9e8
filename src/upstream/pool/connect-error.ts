/** Text for a connect that failed, as `%UPSTREAM_TRANSPORT_FAILURE_REASON%` shows it. Made only when one fails. */
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';

const NUMBERS = new Map<string, number>(Object.entries(constants.errno));

/** `ECONNREFUSED` -> `delayed connect error: Connection refused`; a reason that is no error of the system gives ''. */
export function connectErrorText(code: string): string {
  const number = NUMBERS.get(code);
  if (number === undefined) return '';
  const text = getSystemErrorMessage(-number) ?? code;
  return `delayed connect error: ${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
