/** Ticks of a time axis at round numbers. */
import { lengthText } from './printable.ts';

export interface Tick {
  readonly atUs: number;
  readonly label: string;
}

const STEPS = [1, 2, 5];
/** Above a second, steps that divide minutes and hours: 10 s, 15 s, 30 s, 1 min, …. */
const LONG_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400];

/** At most `most` ticks, at least the one at 0 if it lies inside. */
export function axisTicks(fromUs: number, toUs: number, most: number): Tick[] {
  const step = stepFor((toUs - fromUs) / Math.max(1, most));
  const ticks: Tick[] = [];
  for (let atUs = Math.ceil(fromUs / step) * step; atUs <= toUs; atUs += step) {
    const label = atUs === 0 ? '0' : lengthText(Math.abs(atUs));
    ticks.push({ atUs, label: atUs < 0 ? `−${label}` : label });
  }
  return ticks;
}

function stepFor(leastUs: number): number {
  if (leastUs > 1_000_000) {
    const seconds = LONG_STEPS_S.find((each) => each * 1_000_000 >= leastUs);
    return (seconds ?? Math.ceil(leastUs / 86_400_000_000) * 86_400) * 1_000_000;
  }
  for (let power = 1; ; power *= 10) {
    for (const step of STEPS) if (step * power >= leastUs) return step * power;
  }
}
