import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LogFile } from '../../src/server/log-file.ts';
import type { LogCalls } from '../../src/server/log-target.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** A disk or pipe with as much room as the test says; `error` is thrown when it is full. */
class FakeCalls implements LogCalls {
  readonly files = new Map<number, string>();
  room = Infinity;
  error = 'ENOSPC';
  openError = '';
  stream = false;
  largest = 0;
  #next = 10;

  open(): number {
    if (this.openError !== '') throw systemError(this.openError);
    this.#next += 1;
    this.files.set(this.#next, '');
    return this.#next;
  }

  write(fd: number, bytes: Buffer, from: number, length: number): number {
    if (this.room === 0) throw systemError(this.error);
    const taken = Math.min(length, this.room);
    this.largest = Math.max(this.largest, length);
    this.room -= taken;
    this.files.set(fd, (this.files.get(fd) ?? '') + bytes.toString('latin1', from, from + taken));
    return taken;
  }

  isStream(): boolean {
    return this.stream;
  }

  close(): void {
    return;
  }

  get texts(): string[] {
    return [...this.files.values()];
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function fileOn(calls: FakeCalls) {
  const clock = new FakeClock();
  const problems: string[] = [];
  const file = new LogFile({ path: '/x.log', calls, clock, onProblem: (error) => problems.push(error) });
  const write = (text: string, from = 0) => file.write(Buffer.from(text), from);
  return { clock, problems, file, write };
}

describe('a log file', () => {
  it('has no half line in its middle although the disk filled up within one', () => {
    const calls = new FakeCalls();
    const { problems, write } = fileOn(calls);
    calls.room = 12;
    const outcome = write('line one\nline two\nline three\n');
    assert.deepEqual(outcome, { status: 'done', from: 29, lostFrom: 18 });
    assert.deepEqual(write('lost\n'), { status: 'done', from: 5, lostFrom: 0 });
    assert.deepEqual(problems, ['ENOSPC']);
    calls.room = Infinity;
    assert.equal(write('line four\n').lostFrom, -1);
    assert.deepEqual(problems, ['ENOSPC', '']);
    assert.deepEqual(calls.texts, ['line one\nline two\nline four\n']);
  });

  it('goes on where a busy pipe stopped', () => {
    const calls = new FakeCalls();
    calls.stream = true;
    calls.error = 'EAGAIN';
    const { problems, write } = fileOn(calls);
    calls.room = 5;
    const first = write('line one\nline two\n');
    assert.deepEqual(first, { status: 'busy', from: 5, lostFrom: -1 });
    calls.room = Infinity;
    assert.equal(write('line one\nline two\n', first.from).status, 'done');
    assert.deepEqual(calls.texts, ['line one\nline two\n']);
    assert.deepEqual(problems, []);
  });

  it('writes pipes in pieces of whole lines that the kernel does not mix with other writers', () => {
    const calls = new FakeCalls();
    calls.stream = true;
    const { write } = fileOn(calls);
    const text = `${'y'.repeat(999)}\n`.repeat(65);
    write(text);
    assert.deepEqual(calls.texts, [text]);
    assert.equal(calls.largest, 4000);
    write(`${'z'.repeat(9000)}\nshort\n`);
    assert.equal(calls.largest, 9001, 'a line longer than that is one piece');
  });

  it('is tried again once a second when it cannot be opened, and says so once', () => {
    const calls = new FakeCalls();
    calls.openError = 'EACCES';
    const { clock, problems, write } = fileOn(calls);
    assert.equal(write('lost\n').lostFrom, 0);
    calls.openError = '';
    assert.equal(write('lost\n').lostFrom, 0);
    clock.time += 1000;
    assert.equal(write('kept\n').lostFrom, -1);
    assert.deepEqual(problems, ['EACCES', '']);
    assert.deepEqual(calls.texts, ['kept\n']);
  });

  it('stays on the old file when the new one cannot be opened', () => {
    const calls = new FakeCalls();
    const { file, write } = fileOn(calls);
    calls.openError = 'ENOENT';
    assert.equal(file.reopen(), 'ENOENT');
    write('still here\n');
    calls.openError = '';
    assert.equal(file.reopen(), '');
    write('new\n');
    assert.deepEqual(calls.texts, ['still here\n', 'new\n']);
  });

  it('begins with a whole line for the next reader of a pipe', () => {
    const calls = new FakeCalls();
    calls.stream = true;
    calls.error = 'EPIPE';
    const { clock, write } = fileOn(calls);
    calls.room = 3;
    write('line one\n');
    calls.room = Infinity;
    clock.time += 1000;
    write('line two\n');
    assert.deepEqual(calls.texts, ['lin', 'line two\n']);
  });
});
