/** The command line as a user meets it: help, version, mistakes, broken configurations, the demo. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ProxyProcess, fetchText } from '../server/proxy-process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BIN = `${ROOT}bin/nodeproxy.js`;
let proxy: ProxyProcess | null = null;

afterEach(async () => {
  await proxy?.dispose();
  proxy = null;
});

function nodeproxy(...args: string[]): { code: number | null; out: string; err: string } {
  const env = { ...process.env, NODEPROXY_SOURCE: '1', NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], {
    env,
    encoding: 'utf8',
    cwd: ROOT,
  });
  return { code: status, out: stdout, err: stderr };
}

test('--help lists the commands and --help behind one lists its options', () => {
  const all = nodeproxy('--help');
  assert.equal(all.code, 0);
  assert.match(all.out, /run +Run the proxy/);
  assert.match(all.out, /validate +Check configuration files/);
  const run = nodeproxy('run', '--help');
  for (const option of [
    '-c, --config-path <file>',
    '--concurrency <n>',
    '-l, --log-level',
    '--drain-time-s',
    '--socket-interface',
  ]) {
    assert.ok(run.out.includes(option), option);
  }
  assert.ok(run.out.split('\n').every((line) => line.length <= 100));
});

test('--version says what this is', () => {
  const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string };
  const shown = nodeproxy('--version');
  assert.equal(shown.code, 0);
  assert.match(shown.out, new RegExp(`^nodeproxy/${version}/node-\\d+\\.`));
});

test('a mistyped option, command or value is answered with the nearest one and exit code 2', () => {
  for (const [args, message] of [
    [['run', '--concurency', '2'], /unknown option --concurency \(did you mean "--concurrency"\?\)/],
    [['rum'], /unknown command rum \(did you mean "run"\?\)/],
    [['--verson'], /unknown option --verson \(did you mean "--version"\?\)/],
    [['run', '--concurrency', '0'], /--concurrency 0: must be a whole number from 1/],
    [['run', '--concurrency'], /--concurrency needs a value/],
    [['run', '-l', 'debg'], /-l debg: must be one of .*did you mean "debug"/],
    [['run', '--component-log-level', 'htp:debug'], /no component "htp" \(did you mean "http"\?\)/],
    [['run', 'file.yaml'], /unexpected "file\.yaml": a configuration is given with -c/],
    [['validate'], /validate needs a file/],
    [['validate', '--config', 'a'], /unknown option --config[^]*Try `nodeproxy validate --help`/],
    [['run', '--mode', 'validate'], /--mode validate needs a configuration/],
    [['-c', 'config/echo.yaml'], /-c stands behind a command: nodeproxy run -c/],
    [['--concurrency=2'], /--concurrency=2 stands behind a command/],
  ] as const) {
    const { code, err } = nodeproxy(...args);
    assert.match(err, message);
    assert.equal(code, 2, args.join(' '));
  }
});

test('validate says OK or lists every error with its place', () => {
  const good = nodeproxy('validate', 'config/echo.yaml', 'config/tcp-proxy.yaml');
  assert.deepEqual(good, { code: 0, out: 'config/echo.yaml: OK\nconfig/tcp-proxy.yaml: OK\n', err: '' });
  const bad = nodeproxy('validate', 'config/echo.yaml', 'config/no-such-file.yaml');
  assert.equal(bad.code, 1);
  assert.match(bad.out, /echo\.yaml: OK/);
  assert.match(bad.err, /no-such-file\.yaml: \(root\): there is no such file \(ENOENT\)/);
  assert.match(nodeproxy('validate', 'config').err, /config: \(root\): this is a folder/);
});

test('validate takes the -c and --config-yaml of run', () => {
  const admin = '{admin: {address: {pipe: {path: /tmp/a.sock}}}}';
  for (const args of [
    ['-c', 'config/echo.yaml'],
    ['--config-path=config/echo.yaml'],
    ['-c', 'config/echo.yaml', '--config-yaml', admin],
  ]) {
    assert.deepEqual(nodeproxy('validate', ...args), { code: 0, out: 'config/echo.yaml: OK\n', err: '' });
  }
  assert.equal(nodeproxy('validate', '--config-yaml', admin).out, '--config-yaml: OK\n');
  const both = nodeproxy('validate', '-c', 'config/no-such-file.yaml', 'config/echo.yaml');
  assert.equal(both.code, 1);
  assert.match(both.err, /no-such-file\.yaml: \(root\): there is no such file/);
  assert.match(both.out, /echo\.yaml: OK/);
  for (const args of [
    ['--config-yaml', '{nothing: 1}'],
    ['-c', 'config/echo.yaml', '--config-yaml', '{nothing: 1}'],
  ]) {
    const wrong = nodeproxy('validate', ...args);
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /^--config-yaml:1:2: nothing: unknown field "nothing"/);
  }
});

test('an application log that cannot be opened ends the start with a sentence, not with a stack', () => {
  const { code, err } = nodeproxy('run', '--log-path', '/no-such-folder/proxy.log');
  assert.equal(code, 1);
  assert.match(err, /^nodeproxy: --log-path: ENOENT: [^\n]*'\/no-such-folder\/proxy\.log'\n$/);
});

test('a broken configuration is refused with all its errors at once', async () => {
  const text = 'static_resources:\n  listenrs: []\n  clusters:\n    - name: a\n      connect_timeout: soon\n';
  proxy = new ProxyProcess(['run', '-c', '@/broken.yaml'], { 'broken.yaml': text });
  const ended = await proxy.ended;
  assert.equal(ended.code, 1);
  assert.match(ended.err, /broken\.yaml:2:\d+: static_resources\.listenrs: .*listeners/);
  assert.match(ended.err, /broken\.yaml:5:\d+: static_resources\.clusters\[0\]\.connect_timeout/);
  assert.match(ended.err, /3 errors in the configuration/);
});

test('--mode validate checks without running', () => {
  assert.deepEqual(nodeproxy('run', '-c', 'config/echo.yaml', '--mode', 'validate'), {
    code: 0,
    out: 'config/echo.yaml: OK\n',
    err: '',
  });
});

test('without a file the demo serves, prints three commands that work, and logs each request', async () => {
  proxy = new ProxyProcess(['run']);
  await proxy.says(/a body of many reads\n/);
  const commands = Array.from(
    proxy.err.matchAll(/^ {2}curl '?(http:\S+?)'?(?:\s|$)/gm),
    (match) => match[1] ?? '',
  );
  assert.equal(commands.length, 3);
  const sizes: number[] = [];
  for (const command of commands) sizes.push((await fetchText(command)).body.length);
  assert.deepEqual(sizes, [12, 1001, 100_001]);
  proxy.kill('SIGTERM');
  const { code, out } = await proxy.ended;
  assert.equal(code, 0);
  assert.equal(out.match(/^\[20.*via_upstream.*\[C\d+:R:<.*\]H/gm)?.length, 3);
});

test('every sample in config/ is valid', () => {
  const samples = readdirSync(`${ROOT}config`).filter((name) => name.endsWith('.yaml'));
  const { code, err } = nodeproxy('validate', ...samples.map((name) => `config/${name}`));
  assert.deepEqual([code, err], [0, '']);
});

const OLD_NODES = ['/usr/bin/node', '/usr/local/bin/node'].filter(
  (path) => existsSync(path) && majorOf(path) < 26,
);

test('an older Node hands over to the packaged one', { skip: OLD_NODES.length === 0 }, () => {
  const env = { ...process.env, NODEPROXY_SOURCE: '1' };
  const { status, stdout } = spawnSync(OLD_NODES[0] ?? '', [BIN, '--version'], { env, encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stdout, /node-26\./);
  const wrong = spawnSync(OLD_NODES[0] ?? '', [BIN, 'rum'], { env, encoding: 'utf8' });
  assert.equal(wrong.status, 2);
});

function majorOf(path: string): number {
  return Number(/^v(\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1] ?? 99);
}
