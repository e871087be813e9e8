/** The file threads as they run: real threads, ports and files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Worker, type MessagePort } from 'node:worker_threads';
import { BatchedLines, LineSinkStats } from '../../src/observe/line-sink.ts';
import { LogFiles, type LogFileProblem } from '../../src/server/log-files.ts';
import { CountingStats } from '../observe/support/counting-stats.ts';
import { FakeDispatcher } from '../support/fake-dispatcher.ts';
import { pause } from '../support/raw-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-log-'));
after(() => rmSync(folder, { recursive: true }));

function sinkOn(port: MessagePort | null, more: { batchBytes?: number; maxOutstandingBytes?: number } = {}) {
  assert.ok(port !== null);
  const stats = new CountingStats();
  const sink = new BatchedLines({
    dispatcher: new FakeDispatcher(),
    flushIntervalMs: 1,
    stats: new LineSinkStats(stats),
    ...more,
  });
  sink.attach(port);
  return { sink, stats, port };
}

function filesWith(giveUpMs = 2000) {
  const problems: LogFileProblem[] = [];
  const stats = new CountingStats();
  return {
    problems,
    stats,
    files: new LogFiles({ stats, onProblem: (problem) => problems.push(problem), giveUpMs }),
  };
}

describe('log files', () => {
  it('lose no line and halve none when they are rotated while two workers write', async () => {
    const path = join(folder, 'rotated.log');
    const { files, problems } = filesWith();
    const sinks = [
      sinkOn(files.open(path), { batchBytes: 256 }),
      sinkOn(files.open(path), { batchBytes: 256 }),
    ];
    const olds: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      for (let index = 0; index < 400; index += 1) {
        for (const [worker, { sink }] of sinks.entries()) sink.write(`${worker} ${round * 400 + index} .\n`);
      }
      olds.push(`${path}.${round}`);
      await files.flushAll();
      renameSync(path, `${path}.${round}`);
      const reopened = files.reopenAll();
      for (const { sink } of sinks) sink.flush();
      assert.deepEqual(await reopened, []);
    }
    for (const { sink } of sinks) sink.flush();
    assert.deepEqual(await files.close(), []);
    const lines = [...olds, path].map((name) => readFileSync(name, 'utf8')).join('');
    const seen = [0, 0];
    for (const line of lines.trimEnd().split('\n')) {
      const [worker = '', index = '', end = ''] = line.split(' ');
      assert.equal(end, '.', line);
      assert.equal(Number(index), seen[Number(worker)], 'in order');
      seen[Number(worker)] = Number(index) + 1;
    }
    assert.deepEqual(seen, [2000, 2000]);
    assert.deepEqual(problems, []);
  });

  it('hold everything that was sent before a flush, and one thread serves all workers of a path', async () => {
    const path = join(folder, 'flushed.log');
    const { files } = filesWith();
    const sinks = [1, 2, 3].map(() => sinkOn(files.open(path)));
    for (const [index, { sink }] of sinks.entries()) {
      sink.write(`${index}\n`);
      sink.flush();
    }
    assert.deepEqual(await files.flushAll(), []);
    assert.deepEqual(readFileSync(path, 'utf8').trim().split('\n').toSorted(), ['0', '1', '2']);
    assert.deepEqual(await files.close(), []);
    assert.equal(files.open(path), null, 'none is opened when the process ends');
  });

  it('have whole lines only, although the worker that wrote them is killed', async () => {
    const path = join(folder, 'killed.log');
    const { files } = filesWith();
    const port = files.open(path);
    assert.ok(port !== null);
    const source = `
      const { workerData, parentPort } = require('node:worker_threads');
      for (let batch = 0; ; batch += 1) {
        const bytes = Buffer.allocUnsafeSlow(65536).fill('0123456789abcde\\n');
        const memory = bytes.buffer;
        workerData.port.postMessage({ kind: 'lines', memory, length: 65536, lines: 4096 }, [memory]);
        if (batch === 20) parentPort.postMessage('busy');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }`;
    const worker = new Worker(source, { eval: true, workerData: { port }, transferList: [port] });
    await once(worker, 'message');
    await worker.terminate();
    assert.deepEqual(await files.close(), []);
    const text = readFileSync(path, 'utf8');
    assert.ok(text.length >= 20 * 65_536);
    assert.equal(text.length % 65_536, 0);
    assert.equal(text.replaceAll('0123456789abcde\n', ''), '');
  });

  it('tell main what is wrong, and count the lines', async () => {
    const path = join(folder, 'missing', 'x.log');
    const { files, problems, stats } = filesWith();
    const { sink, stats: workerStats } = sinkOn(files.open(path));
    sink.write('lost\n');
    sink.flush();
    await files.flushAll();
    assert.deepEqual(await files.reopenAll(), [{ path, error: 'ENOENT' }]);
    assert.equal(stats.get('filesystem.reopen_failed'), 1);
    assert.deepEqual(problems, [{ path, error: 'ENOENT' }]);
    await files.flushAll();
    await untilSettled(() => workerStats.get('filesystem.write_failed') === 1);
    assert.equal(workerStats.get('access_log_file.write_dropped'), 1);
    await files.close();
  });

  it('whose reader is slow cost bounded memory and counted lines, and never a wait', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { files } = filesWith();
    const limits = { batchBytes: 4096, maxOutstandingBytes: 64 * 1024 };
    const { sink, stats } = sinkOn(files.open(path), limits);
    const written = 20_000;
    for (let index = 0; index < written; index += 1) sink.write(`${index} ${'x'.repeat(90)} .\n`);
    assert.ok(sink.outstandingBytes <= limits.maxOutstandingBytes);
    const buffer = Buffer.alloc(65_536);
    let text = '';
    const state = { closed: false };
    const closed = files.close().finally(() => {
      state.closed = true;
    });
    while (!state.closed) {
      text += readSome(reader, buffer);
      await new Promise(setImmediate);
    }
    assert.deepEqual(await closed, []);
    for (let part = readSome(reader, buffer); part !== ''; part = readSome(reader, buffer)) text += part;
    closeSync(reader);
    const lines = text.trimEnd().split('\n');
    for (const line of lines) assert.match(line, /^\d+ x{90} \.$/);
    const dropped = stats.get('access_log_file.write_dropped');
    assert.ok(dropped > 15_000, `${dropped} dropped`);
    assert.ok(lines.length + dropped <= written && lines.length + dropped > written - 60, `${lines.length}`);
  });

  it('are given up at the end when a pipe takes nothing at all', async () => {
    const path = join(folder, 'stuck');
    execFileSync('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { files } = filesWith(20);
    const { sink } = sinkOn(files.open(path), { batchBytes: 65_536 });
    for (let index = 0; index < 3000; index += 1) sink.write(`${'x'.repeat(90)}\n`);
    const [problem] = await files.close();
    assert.match(problem?.error ?? '', /too slow/);
    closeSync(reader);
  });
});

describe('a log on standard output', () => {
  const script = new URL('./support/stdout-writer.ts', import.meta.url).pathname;
  const expected: string[] = [];
  for (let index = 0; index < 2000; index += 1) {
    expected.push(`thread ${index} ${'x'.repeat(80)}`);
    if (index % 500 === 499) expected.push(`main ${index}`);
  }
  const args = ['--disable-warning=ExperimentalWarning', script];

  it('that is a pipe has whole lines of the thread and of main in order', () => {
    const text = execFileSync(process.execPath, args, { encoding: 'utf8' });
    assert.deepEqual(text.trimEnd().split('\n'), expected);
  });

  it('that is redirected to a file is not overwritten by what main writes', () => {
    const path = join(folder, 'stdout.txt');
    const fd = openSync(path, 'w');
    execFileSync(process.execPath, args, { stdio: ['ignore', fd, 'inherit'] });
    closeSync(fd);
    assert.deepEqual(readFileSync(path, 'utf8').trimEnd().split('\n'), expected);
  });
});

function readSome(fd: number, buffer: Buffer): string {
  try {
    return buffer.toString('latin1', 0, readSync(fd, buffer));
  } catch {
    return '';
  }
}

/** Lets messages arrive until `done`; bounded by time, as the thread that sends them may have to wait for the processor. */
async function untilSettled(done: () => boolean): Promise<void> {
  for (const until = Date.now() + 20_000; !done() && Date.now() < until;) await pause(1);
  assert.ok(done());
}
