/**
 * The client's run: every service answers, warm-up, then rounds, in each of them every service in turn (one two three, one two three, …), so that what drifts
 * on the machine meets all of them alike. First latency at a rate, with probes beside the load, then as many requests as come back.
 */
import { runAutocannon } from '../../bench/harness/autocannon.ts';
import type { AutocannonLoad, LoadReport } from '../../bench/harness/autocannon.ts';
import type { Probes } from './probes.ts';
import { settle } from './settle.ts';
import type { Endpoint, Settings, Way } from './settings.ts';

export interface Measurement {
  readonly service: string;
  /** One for each round; none without a rate. */
  readonly atRate: readonly LoadReport[];
  readonly atFull: readonly LoadReport[];
}

export interface Run {
  readonly settings: Settings;
  readonly way: Way;
  readonly probes: Probes;
  readonly step: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface RunResult {
  readonly measurements: readonly Measurement[];
  /** Of the warm-up, which is in no table. */
  readonly warmUpFailures: number;
}

export async function measure(run: Run): Promise<RunResult> {
  const { services, rounds, rate, warmUpSeconds } = run.settings;
  const measurements = services.map(({ name }) => ({
    service: name,
    atRate: [] as LoadReport[],
    atFull: [] as LoadReport[],
  }));
  run.step('waiting for every service to answer');
  await settle(
    services.map((service) => ({ name: service.name, url: urlOf(run, service) })),
    run.signal,
  );
  let warmUpFailures = 0;
  if (warmUpSeconds > 0)
    for (const service of services)
      warmUpFailures += (await load(run, service, `warm-up: ${service.name}`, warmUpSeconds)).failures;
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, service] of services.entries()) {
      const where = `round ${round} of ${rounds}: ${service.name}`;
      const mine = measurements[index];
      if (rate > 0) mine?.atRate.push(await loadAtRate(run, service, `${where}, ${rate} requests/s`));
      mine?.atFull.push(await load(run, service, `${where}, as fast as it goes`, run.settings.seconds));
    }
  }
  return { measurements, warmUpFailures };
}

/** Of a service by the way: its own address, or that of the first proxy, which tells services apart by `host`. */
function urlOf({ settings, way }: Run, service: Endpoint): string {
  return `http://${way.entry ?? service.address}${settings.path}`;
}

async function loadAtRate(run: Run, service: Endpoint, what: string): Promise<LoadReport> {
  const stop = run.probes.start(service.name, urlOf(run, service));
  try {
    return await load(run, service, what, run.settings.seconds, { overallRate: run.settings.rate });
  } finally {
    await stop();
  }
}

function load(
  run: Run,
  service: Endpoint,
  what: string,
  seconds: number,
  more: Partial<AutocannonLoad> = {},
): Promise<LoadReport> {
  run.signal.throwIfAborted();
  run.step(what);
  const given = {
    url: urlOf(run, service),
    connections: run.settings.connections,
    seconds,
    headers: { host: service.name },
    ...more,
  };
  return runAutocannon(given, [], run.signal);
}
