/** A report in which every text tries to become markup, style, script, or part of a drawing's specification. */
import type { Report, Section } from '../../../bench/report/report.ts';
import { around, sampleReport, SET_UP } from './sample-report.ts';

export const HOSTILE = `</style></title></svg><script>document.title='owned'</script><img src=x onerror=alert(1)>"'&\u202e\u0000\` + datum.x`;

const SECTION: Section = {
  title: HOSTILE,
  text: [HOSTILE, `\`${HOSTILE}\``],
  parts: [
    {
      kind: 'table',
      title: HOSTILE,
      rows: HOSTILE,
      columns: [{ name: HOSTILE, unit: HOSTILE, better: 'lower' }, { name: HOSTILE }, { name: '__proto__' }],
      body: [
        { name: HOSTILE, cells: [around(1, 0.1), HOSTILE, null] },
        { name: HOSTILE.repeat(20), cells: [around(2, 0.1), HOSTILE.repeat(20), null] },
      ],
      notes: [HOSTILE],
    },
    ...(['bars', 'lines'] as const).map((form) => ({
      kind: 'chart' as const,
      form,
      title: HOSTILE,
      x: { label: HOSTILE, unit: HOSTILE },
      y: { label: HOSTILE, unit: HOSTILE, scale: 'log' as const },
      series: [HOSTILE, '__proto__', 'constructor', HOSTILE].map((name, series) => ({
        name,
        points: [HOSTILE, '__proto__', 'toString', ''].map((text, index) => ({
          x: form === 'lines' ? index : text,
          y: series + index,
          low: -1,
          high: series + index + 1,
        })),
      })),
      notes: [HOSTILE],
    })),
    { kind: 'listing', title: HOSTILE, lines: [HOSTILE, HOSTILE.repeat(50)] },
  ],
};

export function hostileReport(): Report {
  const texts = { [HOSTILE]: HOSTILE };
  return sampleReport({
    scenario: HOSTILE,
    title: HOSTILE,
    startedAt: HOSTILE,
    setUp: {
      ...SET_UP,
      machine: { ...SET_UP.machine, processor: HOSTILE, kernel: HOSTILE },
      versions: texts,
      pinning: texts,
      options: texts,
      environment: texts,
      commit: HOSTILE,
    },
    notes: [HOSTILE],
    sections: [SECTION, SECTION],
  });
}
