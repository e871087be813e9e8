/** Start and memory of the proxy itself: the table whose rows are compared from commit to commit. */
import { measured } from '../harness/statistics.ts';
import type { Measured, Row, Section } from '../report/report.ts';
import type { FootprintRound } from './footprint.ts';
import { FOOTPRINT_CONNECTIONS } from './footprint.ts';
import { mebibytes } from './scale-section.ts';

export function footprintSection(rounds: readonly FootprintRound[], workers: number): Section {
  const row = (name: string, unit: string, figure: Measured): Row => ({ name, cells: [unit, figure] });
  const bytes = (of: (round: FootprintRound) => number): Measured => mebibytes(rounds.map(of));
  const perConnection = rounds.map(
    ({ idle, connected }) => (connected.rss - idle.rss) / 1024 / FOOTPRINT_CONNECTIONS,
  );
  return {
    title: 'The proxy itself',
    text: [
      `One service, ${workers} workers. ${FOOTPRINT_CONNECTIONS} keep-alive connections were opened, answered once each and held, then closed. ` +
        'What is measured right after a peak holds garbage too; the proxy collects it when it has become quiet.',
    ],
    parts: [
      {
        kind: 'table',
        title: 'Start and memory',
        rows: 'figure',
        columns: [{ name: 'unit' }, { name: 'measured', better: 'lower' }],
        body: [
          row('start to ready', 'ms', measured(rounds.map(({ readyMs }) => readyMs))),
          row('start of a worker', 'ms', measured(rounds.map(({ workerStartMs }) => workerStartMs))),
          row(
            'idle, RSS',
            'MiB',
            bytes(({ idle }) => idle.rss),
          ),
          row(
            'idle, PSS',
            'MiB',
            bytes(({ idle }) => idle.pss),
          ),
          row(
            'idle, own pages',
            'MiB',
            bytes(({ idle }) => idle.own),
          ),
          row(
            `${FOOTPRINT_CONNECTIONS} connections, RSS`,
            'MiB',
            bytes(({ connected }) => connected.rss),
          ),
          row(
            `${FOOTPRINT_CONNECTIONS} connections, PSS`,
            'MiB',
            bytes(({ connected }) => connected.pss),
          ),
          row('per connection', 'KiB', measured(perConnection)),
          row(
            'after they have gone, RSS',
            'MiB',
            bytes(({ afterwards }) => afterwards.rss),
          ),
        ],
      },
    ],
  };
}
