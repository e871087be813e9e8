/**
 * How crowded a core was: on a virtual machine a core is often one of two threads of a physical one, and whoever has the other takes
 * up to half of it without a trace in any statistic of this machine (there is no steal time for it).
 *
 * A small process on that core measures it all along (`core-probe-process.ts`, 0.4 % of the core).
 */
import { fileURLToPath } from 'node:url';
import { LineProcess } from './line-process.ts';
import { pinnedTo } from './programs.ts';

const PROGRAM = fileURLToPath(new URL('core-probe-process.ts', import.meta.url));

export interface CoreWeather {
  readonly samples: number;
  /**
   * Mean logarithm of the time of independent operations to that of dependent ones. Its zero means nothing; a difference of 0.1 is
   * 10 % less of the core. `null`: nothing was seen.
   */
  readonly crowding: number | null;
}

export class CoreProbe {
  readonly #child: LineProcess;

  constructor(core: number) {
    this.#child = new LineProcess(`probe of core ${core}`, PROGRAM, pinnedTo(core));
  }

  /** Since it was asked before. */
  async seen(): Promise<CoreWeather> {
    return (await this.#child.ask({})) as CoreWeather;
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}
