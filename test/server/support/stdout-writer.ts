/** A process that logs to its standard output: 2000 lines through the file thread, and lines of its own between them. */
import { writeSync } from 'node:fs';
import { BatchedLines, LineSinkStats } from '../../../src/observe/line-sink.ts';
import { LogFiles } from '../../../src/server/log-files.ts';
import { CountingStats } from '../../observe/support/counting-stats.ts';
import { FakeDispatcher } from '../../support/fake-dispatcher.ts';

const files = new LogFiles({
  stats: new CountingStats(),
  onProblem: (problem) => writeSync(2, problem.error),
});
const sink = new BatchedLines({
  dispatcher: new FakeDispatcher(),
  flushIntervalMs: 1,
  stats: new LineSinkStats(new CountingStats()),
  batchBytes: 8192,
});
const port = files.open('/dev/stdout');
if (port !== null) sink.attach(port);
for (let index = 0; index < 2000; index += 1) {
  sink.write(`thread ${index} ${'x'.repeat(80)}\n`);
  if (index % 500 === 499) {
    sink.flush();
    await files.flushAll();
    writeSync(1, `main ${index}\n`);
  }
}
await files.close();
