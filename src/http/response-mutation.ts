/**
 * What the connection manager changes in a response head behind the last encode filter: hop-by-hop headers, `date`, `server`,
 * `via`, the request id, and `connection: close` where the connection ends behind it.
 */
import type { HeaderMap } from '../api/http.ts';
import type { HttpDate } from './http-date.ts';
import { appendVia } from './request-mutation.ts';
import type { HttpSettings } from './settings.ts';

const CONNECTION = 1;
const HOP = 2;
const DATE = 4;
const SERVER = 8;

export interface ResponseMutationContext {
  readonly settings: HttpSettings;
  readonly date: HttpDate;
  readonly request: HeaderMap | null;
}

export function mutateResponse(headers: HeaderMap, context: ResponseMutationContext, close: boolean): void {
  const { settings } = context;
  const found = look(headers);
  // The fields that an upstream named in it are gone since the codec read them; what has that name now is the proxy's own.
  if ((found & CONNECTION) !== 0) headers.remove('connection');
  if ((found & HOP) !== 0) removeHopByHop(headers);
  if ((found & DATE) === 0) headers.add('date', context.date.text());
  if (settings.serverTransformation === 'OVERWRITE') headers.set('server', settings.serverName);
  else if (settings.serverTransformation === 'APPEND_IF_ABSENT' && (found & SERVER) === 0) {
    headers.add('server', settings.serverName);
  }
  if (settings.via !== '') appendVia(headers, settings.via);
  if (settings.requestIdInResponse && context.request !== null) {
    const id = context.request.get('x-request-id');
    if (id !== null) headers.set('x-request-id', id);
  }
  if (close) headers.set('connection', 'close');
}

function removeHopByHop(headers: HeaderMap): void {
  headers.remove('keep-alive');
  headers.remove('proxy-connection');
  headers.remove('transfer-encoding');
  headers.remove('upgrade');
}

function look(headers: HeaderMap): number {
  let found = 0;
  for (let index = 0; index < headers.size; index += 1) {
    switch (headers.nameAt(index)) {
      case 'connection':
        found |= CONNECTION;
        break;
      case 'keep-alive':
      case 'proxy-connection':
      case 'transfer-encoding':
      case 'upgrade':
        found |= HOP;
        break;
      case 'date':
        found |= DATE;
        break;
      case 'server':
        found |= SERVER;
        break;
      default:
    }
  }
  return found;
}
