/**
 * Interleaved rounds: all contenders of a case are started and warmed up, then loaded one after the other, round by round, so that
 * a noisy minute of the machine hits all of them.
 *
 *   start A, warm up A, start B, ...   then  A B C  A B C  ...   then memory of each, end of all, length of their lines
 *
 * With `sideBySide` each round ends with all of them loaded at once, on the one core: the scheduler gives it to each for some
 * milliseconds at a time, so all meet the same neighbours, whoever else has the physical core and its caches.
 *
 * The figure is CPU time per unit, read from /proc around the load. A contender that does not start, fails requests or ends on
 * the way stays in the result with what is known of it.
 */
import { StartError } from '../harness/process.ts';
import type { CpuTime } from '../harness/process.ts';
import type { Faults, LoadRequest, LoadResult, LoadTool } from '../harness/load.ts';
import type { Contender } from './contender.ts';
import { lineBytes } from './line-bytes.ts';
import type { Rig, Running } from './rig.ts';

export interface Work {
  /** In progress lines. */
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  readonly request?: LoadRequest;
  /** Another client than the usual one. */
  readonly tool?: LoadTool;
}

export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  /** A compiler that works at run time spends its time there, as it does once in the life of a proxy. */
  readonly warmUpSeconds: number;
  readonly sideBySide?: boolean;
}

export interface Round {
  /** Microseconds of CPU per request. */
  readonly user: number;
  readonly system: number;
  /** CPU seconds per second of the load. */
  readonly busy: number;
  readonly load: LoadResult;
}

export interface Outcome {
  readonly contender: Contender;
  /** One for each round, `null` where there is no figure. */
  readonly rounds: readonly (Round | null)[];
  /** The same while the others were loaded, too; none where the plan has no such rounds. */
  readonly sideBySide: readonly (Round | null)[];
  /** Of all its rounds. */
  readonly failures: number;
  readonly faults: Faults;
  /** Bytes, after the last round, with its connections just closed; `null`: it had ended. */
  readonly pss: number | null;
  /** Mean length of a line of its log, from the last round. */
  readonly lineBytes: number | null;
  /** Why figures are missing. */
  readonly problem?: string;
}

/** Before each round, unmeasured, where there is a warm-up at all: caches and the clock of the core are as they will be. */
const SETTLE_SECONDS = 1;

/** @throws the signal's reason. Whoever was started is ended. */
export async function measureRounds(
  rig: Rig,
  contenders: readonly Contender[],
  work: Work,
  plan: Plan,
): Promise<Outcome[]> {
  const entrants = contenders.map((contender) => new Entrant(rig, contender, work));
  try {
    for (const entrant of entrants) await entrant.warmUp(plan.warmUpSeconds);
    for (let round = 0; round < plan.rounds; round += 1) {
      for (const [index, entrant] of entrants.entries()) {
        const done = round * entrants.length + index;
        rig.bench.progress.step(
          `${work.name}, round ${round + 1}: ${entrant.name}`,
          done,
          plan.rounds * entrants.length,
        );
        await entrant.round(plan);
      }
      if (plan.sideBySide !== true) continue;
      rig.bench.progress.step(`${work.name}, round ${round + 1}: all at once`);
      // So that each has as much of the core as it had alone.
      const seconds = plan.seconds * entrants.length;
      await Promise.all(entrants.map((entrant) => entrant.besideOthers({ ...plan, seconds })));
    }
    const held = entrants.map((entrant) => entrant.pss());
    // Their last lines are in the logs when they have ended.
    for (const entrant of entrants) await entrant.end();
    return entrants.map((entrant, index) => entrant.outcome(held[index] ?? null));
  } finally {
    for (const entrant of entrants) await entrant.end();
  }
}

class Entrant {
  readonly #rig: Rig;
  readonly #contender: Contender;
  readonly #work: Work;
  readonly #rounds: (Round | null)[] = [];
  readonly #sideBySide: (Round | null)[] = [];
  readonly #faults = new Map<string, number>();
  #running: Running | undefined;
  #problem: string | undefined;

  constructor(rig: Rig, contender: Contender, work: Work) {
    this.#rig = rig;
    this.#contender = contender;
    this.#work = work;
  }

  get name(): string {
    return this.#contender.name;
  }

  async warmUp(seconds: number): Promise<void> {
    this.#rig.bench.progress.step(`${this.#work.name}, warm-up: ${this.name}`);
    try {
      this.#running = await this.#rig.start(this.#contender);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#fail(error.message);
      return;
    }
    if (seconds > 0) await this.#load(this.#running, seconds);
  }

  async round(plan: Plan): Promise<void> {
    this.#rounds.push(await this.#measured(plan));
  }

  async besideOthers(plan: Plan): Promise<void> {
    this.#sideBySide.push(await this.#measured(plan));
  }

  /** Bytes; `null`: it has ended. */
  pss(): number | null {
    const process = this.#running?.process;
    return process === undefined || process.ended ? null : process.pss();
  }

  /** Once it has ended. */
  outcome(pss: number | null): Outcome {
    const [log] = this.#running?.logs ?? [];
    return {
      contender: this.#contender,
      rounds: this.#rounds,
      sideBySide: this.#sideBySide,
      failures: [...this.#faults.values()].reduce((sum, count) => sum + count, 0),
      faults: Object.fromEntries(this.#faults),
      pss,
      lineBytes: log === undefined ? null : lineBytes(log),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    };
  }

  async end(): Promise<void> {
    if (this.#running !== undefined) await this.#rig.stop(this.#running);
  }

  async #measured({ seconds, warmUpSeconds }: Plan): Promise<Round | null> {
    const running = this.#running;
    if (running === undefined || this.#problem !== undefined) return null;
    running.emptyLogs();
    const settled = warmUpSeconds === 0 || (await this.#load(running, SETTLE_SECONDS)) !== null;
    if (!settled) return null;
    const before = this.#cpu(running);
    const load = await this.#load(running, seconds);
    const after = this.#cpu(running);
    if (load === null || before === null || after === null) return null;
    for (const [fault, count] of Object.entries(load.faults))
      this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + count);
    const [user, system] = [after.user - before.user, after.system - before.system];
    // Without an answer there is no cost of one.
    const perRequest = (cpu: number): number => (load.requests === 0 ? NaN : (cpu / load.requests) * 1e6);
    return {
      user: perRequest(user),
      system: perRequest(system),
      busy: (user + system) / seconds,
      load,
    };
  }

  /** `null`: it is no longer there. */
  #cpu({ process }: Running): CpuTime | null {
    try {
      return process.cpu();
    } catch {
      this.#fail(`ended under load: ${process.lastWords}`);
      return null;
    }
  }

  async #load(running: Running, seconds: number): Promise<LoadResult | null> {
    const { path, connections, request, tool } = this.#work;
    try {
      const load = { path, connections, seconds, ...(request === undefined ? {} : { request }) };
      return await this.#rig.load(running, load, tool);
    } catch (error) {
      this.#rig.bench.signal.throwIfAborted();
      const { process } = running;
      this.#fail(process.ended ? `ended under load: ${process.lastWords}` : messageOf(error));
      return null;
    }
  }

  #fail(problem: string): void {
    if (this.#problem !== undefined) return;
    this.#problem = problem;
    this.#rig.bench.progress.note(`${this.name}: ${problem}`);
  }
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n').at(-1) ?? text;
}
