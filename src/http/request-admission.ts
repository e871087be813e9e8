/**
 * A request head at the door: `100-continue`, the checks, the rewriting, the route, the upgrade; in this order, which is
 * Envoy's (`envoy-reference.md` section 15). False: it was answered here and no filter sees it.
 */
import type { HeaderMap } from '../api/http.ts';
import { HeaderList } from '../codec/header-map.ts';
import type { ActiveStream } from './active-stream.ts';
import { checkRequest } from './request-checks.ts';
import { mutateRequest } from './request-mutation.ts';
import type { StreamOwner } from './stream-owner.ts';
import { decideUpgrade } from './upgrade.ts';

export function admitRequest(
  stream: ActiveStream,
  headers: HeaderMap,
  endStream: boolean,
  owner: StreamOwner,
): boolean {
  const { config, connection, protocol } = owner;
  const { settings, stats, listenerPort, requestIds } = config;
  if (!endStream && !settings.proxy100Continue) answerContinue(stream, headers, protocol);
  const refusal = checkRequest(headers, { settings, counters: stats.rq, protocol, listenerPort });
  if (refusal !== null) {
    stream.clientCloses ||= protocol === 'HTTP/1.0';
    const { location } = refusal;
    stream.sendLocalReply(
      refusal.status,
      '',
      refusal.details,
      location === '' ? undefined : (reply) => reply.set('location', location),
    );
    return false;
  }
  stream.clientCloses = mutateRequest(headers, {
    settings,
    connection,
    info: stream.info,
    protocol,
    requestIds,
    listenerPort,
  });
  switch (decideUpgrade(headers, stream.route, settings)) {
    case 'refused':
      stats.rq.wsOnNonWsRoute.inc();
      stream.sendLocalReply(403, '', 'upgrade_failed');
      return false;
    case 'allowed':
      stream.beginUpgrade();
      return true;
    default:
      return true;
  }
}

/** We say `100 Continue` ourselves; upstream is not asked, so it must not see the question. */
function answerContinue(stream: ActiveStream, headers: HeaderMap, protocol: string): void {
  if (protocol === 'HTTP/1.0' || headers.get('expect')?.toLowerCase() !== '100-continue') return;
  headers.remove('expect');
  stream.sendInformational(HeaderList.response(100));
}
