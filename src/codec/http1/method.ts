/** Request methods as the string constants that others compare with. */

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'TRACE', 'QUERY'];

/** The method as the string constant that others compare with, so that `===` compares pointers. */
export function methodOf(text: string, length: number): string {
  for (let index = 0; index < METHODS.length; index += 1) {
    const method = METHODS[index] ?? '';
    if (method.length === length && text.startsWith(method)) return method;
  }
  return text.substring(0, length);
}
