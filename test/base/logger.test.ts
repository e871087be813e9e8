/** The application log: levels by component, the two forms and patterns, reopening. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { patternProblem } from '../../src/base/log-pattern.ts';
import { configureLogging, logger, logLevels, reopenLog, setLogLevels } from '../../src/base/logger.ts';

const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-log-'));
const path = join(folder, 'app.log');
const STAMP = String.raw`\d{4}-\d\d-\d\d`;

after(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(path, { force: true }));

function lines(file = path): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

test('a text line has time, thread, level and component', () => {
  configureLogging({ format: 'text', path, thread: '4711' });
  logger('main').info('hello "world"');
  logger('pool').error('bad');
  const [first, second] = lines();
  assert.match(
    first ?? '',
    new RegExp(String.raw`^\[${STAMP} \d\d:\d\d:\d\d\.\d{3}\]\[4711\]\[info\]\[main\] hello "world"$`),
  );
  assert.match(second ?? '', /\[4711\]\[error\]\[pool\] bad$/);
});

test('a JSON line is one object with the same parts', () => {
  configureLogging({ format: 'json', path, thread: '7' });
  logger('admin').warning('line\nfeed');
  const { time, ...rest } = JSON.parse(lines()[0] ?? '') as Record<string, unknown>;
  assert.deepEqual(rest, { level: 'warning', thread: '7', component: 'admin', msg: 'line\nfeed' });
  assert.match(String(time), new RegExp(`^${STAMP}T`));
});

test("a pattern of Envoy's is followed, an unknown flag is refused", () => {
  configureLogging({ format: '%Y-%m-%dT%T.%fZ\t%l\tenvoy %n\t%v %%', path, thread: '7' });
  logger('http').info('done');
  assert.match(
    lines()[0] ?? '',
    new RegExp(String.raw`^${STAMP}T\d\d:\d\d:\d\d\.\d{6}Z\tinfo\tenvoy http\tdone %$`),
  );
  assert.equal(patternProblem('%v %l'), null);
  assert.match(patternProblem('%v %q') ?? '', /unknown flag %q/);
  assert.match(patternProblem('%v %') ?? '', /unknown flag/);
});

test('each component has a level of its own, changeable at any time', () => {
  configureLogging({ format: 'text', path, thread: '7' });
  setLogLevels({ router: 'debug', file: 'off', nonsense: 'debug' });
  assert.equal(logger('router').debugOn, true);
  assert.equal(logger('router').traceOn, false);
  logger('router').trace('no');
  logger('router').debug('yes');
  logger('file').critical('no');
  setLogLevels({ router: 'warning' });
  logger('router').info('no');
  logger('router').warning('yes');
  assert.deepEqual(
    lines().map((line) => line.slice(line.lastIndexOf(' ') + 1)),
    ['yes', 'yes'],
  );
  assert.equal(logLevels()['router'], 'warning');
});

test('after a rename the log goes on in a new file', () => {
  configureLogging({ format: 'text', path, thread: '7' });
  logger('main').info('before');
  renameSync(path, `${path}.1`);
  reopenLog();
  logger('main').info('after');
  assert.match(lines()[0] ?? '', /after$/);
  assert.match(lines(`${path}.1`)[0] ?? '', /before$/);
});
