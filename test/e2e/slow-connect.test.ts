/**
 * An upstream that is slow to accept: the request is sent when its connection is up, and the wait is the connection's in the log, not
 * the service's. The kernel's own timer makes it a second: the SYN that found no room is repeated after one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLedger } from '../support/instrumented.ts';
import { startFullService } from '../support/full-service.ts';
import { httpProxyTo, startProxy } from '../support/proxy.ts';
import { pause } from '../support/raw-client.ts';
import { INTERFACES } from '../support/thread.ts';

const FORMAT =
  '%RESPONSE_CODE% %RESPONSE_FLAGS% %REQUEST_DURATION% %REQUEST_TX_DURATION% %UPSTREAM_CONNECTION_POOL_READY_DURATION% %LEDGER% %VERDICT%';
const RETRANSMISSION_MS = 1000;
/** The kernel's timer is coarse and the machine may be busy. */
const LATE_MS = 1500;

for (const socketInterface of INTERFACES) {
  test(`a connection that takes a second is the connection’s second (${socketInterface})`, async () => {
    const service = await startFullService();
    const staticResources = httpProxyTo([service.port], {
      format: FORMAT,
      cluster: { connect_timeout: '10s' },
    });
    const proxy = await startProxy({ staticResources, socketInterface });
    try {
      await service.fill();
      const answer = fetch(`http://127.0.0.1:${proxy.port('http')}/`);
      await pause(RETRANSMISSION_MS / 4);
      assert.deepEqual(await proxy.stat('cluster.upstream.upstream_cx_connect_fail'), 0);
      assert.equal(await proxy.stat('cluster.upstream.upstream_rq_pending_active'), 1);
      service.go();
      assert.equal(await (await answer).text(), 'hello\n');
      const [line = ''] = await proxy.logLines(1);
      const [code, flags, received, sent, ready, ledger = '', verdict] = line.split(' ');
      assert.deepEqual([code, flags, verdict], ['200', '-', 'connect'], line);
      assert.ok(Number(received) < RETRANSMISSION_MS / 4, line);
      const connect = (parseLedger(ledger).get('connect') ?? 0) / 1000;
      for (const ms of [connect, Number(ready), Number(sent)])
        assert.ok(ms >= RETRANSMISSION_MS * 0.9 && ms < RETRANSMISSION_MS + LATE_MS, line);
    } finally {
      await service.stop();
      await proxy.stop();
    }
  });
}
