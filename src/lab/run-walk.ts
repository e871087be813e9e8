/**
 * A walk from its first step to its last, for tests and for a reader. Whatever ends it early, the proxy ends with it, and nothing is left
 * of its folder.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { delay, SystemClock } from '../base/clock.ts';
import { wrapped } from '../diagnose/report-text.ts';
import { startDemoService } from '../server/demo-service.ts';
import { configText } from './config-text.ts';
import { endingAtOnce } from './end-at-once.ts';
import { LabClient } from './lab-client.ts';
import { applicationLogFile, LabProxy, textOf } from './lab-proxy.ts';
import type { Step, Walk, WalkRun } from './walk.ts';

const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 50;
const WIDTH = 110;

export interface Sight {
  readonly step: Step;
  readonly seen: string;
  readonly asExpected: boolean;
}

/** Each step as it is done. */
export async function runWalk(walk: Walk, tell: (sight: Sight) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-walk-'));
  let proxy: LabProxy | null = null;
  const endAtOnce = (): void => {
    proxy?.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  await endingAtOnce(endAtOnce, async () => {
    const service = await startDemoService('service');
    const clients = new Map<string, Promise<LabClient>>();
    try {
      proxy = await startProxy(walk, folder, service.port);
      const run = underHand(proxy, folder, clients);
      for (const step of walk.steps) {
        const acted = (await step.act?.(run)) ?? '';
        tell(await sight(step, run, acted));
      }
    } finally {
      for (const client of clients.values()) (await client).close();
      await proxy?.stop();
      await service.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** With all words. True: every step showed what it should. */
export async function showWalk(walk: Walk, print: (text: string) => void): Promise<boolean> {
  print(`${styleText('bold', walk.name)}: ${walk.summary}`);
  let number = 0;
  let good = true;
  await runWalk(walk, ({ step, seen, asExpected }) => {
    number += 1;
    good = good && asExpected;
    print(
      ['', styleText('bold', `${number}. ${step.title}`), ...wrapped(step.text, WIDTH, '  '), ''].join('\n'),
    );
    print(seen.trimEnd().replaceAll(/^(?=.)/gm, '    '));
    if (!asExpected) print(`  Not as it should be: ${String(step.shows)} was to be seen.`);
  });
  print(good ? '\nEvery step showed what it should.' : '\nA very busy machine can do that; run it again.');
  return good;
}

function startProxy(walk: Walk, folder: string, servicePort: number): Promise<LabProxy> {
  for (const [name, text] of Object.entries(walk.files ?? {})) writeFileSync(join(folder, name), text);
  const configFile = join(folder, 'walk.yaml');
  writeFileSync(configFile, configText(walk.config, { logFile: accessLogFile(folder), servicePort }));
  return LabProxy.start({ folder, configFile, concurrency: walk.concurrency, args: [] });
}

function underHand(proxy: LabProxy, folder: string, clients: Map<string, Promise<LabClient>>): WalkRun {
  return {
    pid: proxy.pid,
    port: proxy.port,
    async admin(path, method = 'GET') {
      const answer = await fetch(`http://${proxy.adminAddress}${path}`, { method });
      return answer.text();
    },
    client(name) {
      const client = clients.get(name) ?? LabClient.open(proxy.port);
      clients.set(name, client);
      return client;
    },
    applicationLog: () => textOf(applicationLogFile(folder)),
    accessLog: () => textOf(accessLogFile(folder)),
    stop: () => proxy.stop(),
  };
}

async function sight(step: Step, run: WalkRun, acted: string): Promise<Sight> {
  const clock = new SystemClock();
  const until = clock.now() + PATIENCE_MS;
  for (;;) {
    const seen = await step.look(run, acted);
    const asExpected = step.shows.test(seen);
    if (asExpected || clock.now() > until) return { step, seen, asExpected };
    await delay(LOOK_EVERY_MS);
  }
}

function accessLogFile(folder: string): string {
  return join(folder, 'access.log');
}
