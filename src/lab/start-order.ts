/**
 * The talk's start order: the containers of a pod start side by side, and an application that sends before its proxy accepts is refused
 * by the kernel. No log tells of it, so it is no lab: what the application sees is counted here.
 *
 *   broken:  proxy starts |------------- accepts --->          fixed:  proxy starts |------------- accepts --->
 *            x x x x x x x x x o o o o o                               /ready? /ready? /ready? LIVE o o o o o o o o
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delay, SystemClock } from '../base/clock.ts';
import { startDemoService } from '../server/demo-service.ts';
import { configText } from './config-text.ts';
import { endingAtOnce } from './end-at-once.ts';
import type { Variant } from './lab.ts';
import { LabProxy, textOf } from './lab-proxy.ts';
import { listening } from './service.ts';

const REQUESTS = 20;
const EVERY_MS = 50;
const ASK_EVERY_MS = 20;
const PATIENCE_MS = 30_000;
const clock = new SystemClock();

/** What the application saw of its requests. */
export interface EarlyRequests {
  readonly requests: number;
  readonly failed: number;
  /** Of those that were answered, milliseconds; empty: none was. */
  readonly answeredMs: readonly number[];
}

/** `fixed`: the application waits for `/ready`. Throws `LabError` when the proxy does not start. */
export async function runStartOrder(variant: Variant): Promise<EarlyRequests> {
  const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-lab-'));
  let proxy: LabProxy | null = null;
  const endAtOnce = (): void => {
    proxy?.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return await endingAtOnce(endAtOnce, async () => {
    const service = await startDemoService('service');
    try {
      const port = await freePort();
      const configFile = join(folder, 'lab.yaml');
      const places = { logFile: join(folder, 'access.log'), servicePort: service.port, listenerPort: port };
      writeFileSync(configFile, configText({}, places));
      const starting = LabProxy.start({ folder, configFile, concurrency: 1, args: [] });
      const application = runApplication(variant, port, join(folder, 'admin.txt'));
      proxy = await starting;
      return await application;
    } finally {
      await proxy?.stop();
      await service.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

async function runApplication(variant: Variant, port: number, adminFile: string): Promise<EarlyRequests> {
  if (variant === 'fixed') await ready(adminFile);
  const answeredMs: number[] = [];
  for (let request = 0; request < REQUESTS; request += 1) {
    const before = clock.now();
    if (await isAnswered(`http://127.0.0.1:${port}/`)) answeredMs.push(clock.now() - before);
    await delay(EVERY_MS);
  }
  return { requests: REQUESTS, failed: REQUESTS - answeredMs.length, answeredMs };
}

/** As a supervisor holds an application back. */
async function ready(adminFile: string): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MS; waited += ASK_EVERY_MS) {
    const address = textOf(adminFile).trim();
    if (address !== '' && (await isAnswered(`http://${address}/ready`))) return;
    await delay(ASK_EVERY_MS);
  }
}

async function isAnswered(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url);
    await answer.text();
    return answer.ok;
  } catch {
    return false;
  }
}

/** An application knows its proxy's port before the proxy is there. */
async function freePort(): Promise<number> {
  const place = await listening(createServer());
  await place.stop();
  return place.port;
}
