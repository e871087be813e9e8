/** A scenario of contenders that consists of parts: those that `--only` names, in their own order, on one rig. */
import type { Section } from '../report/report.ts';
import type { BenchRun } from '../scenario.ts';
import { chosen } from './plan.ts';
import { Rig } from './rig.ts';

export type MeasuredParts = Readonly<Record<string, (rig: Rig) => Promise<Section>>>;

/** The rig is closed however it ends. */
export async function measureParts(bench: BenchRun, parts: MeasuredParts): Promise<Section[]> {
  const only = chosen(bench, 'only');
  const rig = await Rig.open(bench);
  try {
    const sections: Section[] = [];
    for (const [name, measure] of Object.entries(parts))
      if (only.includes(name)) sections.push(await measure(rig));
    return sections;
  } finally {
    await rig.close();
  }
}
