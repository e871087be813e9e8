/**
 * The commands of README.md, run as they stand there: npm, shell and all, from the sources. Only ports are exchanged for those that
 * this run was given. A command that nothing here runs fails the last test, so that none is added unseen.
 */
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { fetchText, httpConfig, ProxyProcess } from '../server/proxy-process.ts';
import { parseOptions } from '../../src/cli/option.ts';
import { SHARED_OPTIONS } from '../../bench/help.ts';
import { SCENARIOS } from '../../bench/scenarios/scenarios.ts';
import { blockOf, commandsOf, readDocument, ROOT, wordsOf } from './markdown.ts';

const README = readDocument('README.md');
const COMMANDS = commandsOf(README);
const run = promisify(execFile);
/** The node of the project in front, as npm puts it. */
const ENV = {
  ...process.env,
  NODEPROXY_SOURCE: '1',
  NO_COLOR: '1',
  PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
};
const START_MS = 30_000;
/** Commands that do more than a test may: what is checked of them instead stands beside them. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm ci': 'continuous integration begins with it',
  'npm test': 'this is run by it',
  'npm run build': 'would replace the dist that someone may be running',
  'docker compose --profile nodeproxy up --build --exit-code-from client':
    'needs an engine; the tests of compose start what it starts',
};
/** What a command of the program prints when it has done what README.md says of it. */
const PRINTS: readonly (readonly [RegExp, RegExp])[] = [
  [/ validate /, /: OK\n$/],
  [/ run --help$/, /Usage: nodeproxy run/],
  [/ logs diagnose (?!--html)/, /causes found, worst first[^]*slow filter[^]*flow control/],
  [/ logs diagnose --html /, /causes found, worst first/],
  [/ logs show /, /^POST \/ HTTP\/1\.1\n[^]*downstream read/m],
  [/ logs threads /, /max\/min 4\.00/],
  [/ trace /, /access[ -]log/i],
  [/ lab$/, /header-body-gap/],
  [/ lab header-body-gap$/, /As it should be: head-body-gap is named first/],
];
const tried = new Set<string>();
const WITHOUT_CURL = spawnSync('curl', ['--version']).error === undefined ? false : 'curl is not installed';

/** A command line in a process group of its own: a signal must reach the proxy behind npm and its shell. */
class Started {
  output = '';
  readonly #child: ChildProcess;
  readonly #changes = new EventEmitter();

  constructor(command: string) {
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
    this.#child = spawn('sh', ['-c', command], { cwd: ROOT, env: ENV, detached: true, stdio });
    this.#child.on('close', () => this.#changes.emit('change'));
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#changes.emit('change');
      });
  }

  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const signal = AbortSignal.timeout(START_MS);
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      assert.equal(this.#child.exitCode, null, this.output);
      await once(this.#changes, 'change', { signal });
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const closed = once(this.#child, 'close');
    process.kill(-(this.#child.pid ?? 0), 'SIGTERM');
    await closed;
  }
}

/** Times, thread ids and the like differ from run to run. */
function shapeOf(text: string): string {
  return text.replaceAll(/ +/g, ' ').replaceAll(/\d+(?:[.:-]\d+)*/g, '0');
}

async function curl(command: string, ports: Readonly<Record<string, number>>): Promise<string> {
  tried.add(command);
  const words = wordsOf(command).map((word) =>
    word.replace(/^http:\/\/127\.0\.0\.1:(\d+)/, (_whole, port: string) => {
      const now = ports[port];
      assert.ok(now !== undefined, `port ${port} of ${command}`);
      return `http://127.0.0.1:${now}`;
    }),
  );
  const [program = '', ...args] = words;
  const { stdout } = await run(program, ['-sS', '-f', '--max-time', '10', ...args]);
  return stdout;
}

describe('npm start', () => {
  let demo: Started;
  let ports: Record<string, number> = {};
  before(async () => {
    tried.add('npm start');
    demo = new Started('npm start');
    await demo.says(/a body of many reads\n/);
    const [, proxy] = await demo.says(/two demo services on http:\/\/127\.0\.0\.1:(\d+)/);
    const [, admin] = await demo.says(/Admin: http:\/\/127\.0\.0\.1:(\d+)/);
    ports = { 10000: Number(proxy), 9901: Number(admin) };
  });
  after(() => demo.stop());

  test('prints what README.md shows', () => {
    const own = demo.output.replaceAll(/ \(port \d+ is taken\)/g, '');
    const printed = own.slice(own.indexOf('[20')).trimEnd().split('\n').map(shapeOf);
    const shown = blockOf(README, 'text').trimEnd().split('\n').map(shapeOf);
    // The workers are ready in either order.
    assert.deepEqual(printed.toSorted(), shown.toSorted());
  });

  test('serves the three requests, and logs each', { skip: WITHOUT_CURL }, async () => {
    const [hello, split, large] = COMMANDS.filter((command) =>
      /^curl '?http:\/\/127\.0\.0\.1:10000/.test(command),
    );
    assert.equal(await curl(hello ?? '', ports), 'Hello world\n');
    assert.equal((await curl(split ?? '', ports)).length, 1001);
    assert.equal((await curl(large ?? '', ports)).length, 100_001);
    await demo.says(/"GET \/ HTTP/);
    await demo.says(/"GET \/split\?delay=19 HTTP.*\]H-\[.*\]D,E"/);
    await demo.says(/"GET \/two\/large\?length=100000 HTTP/);
  });

  for (const command of COMMANDS.filter((each) => /^curl .*:9901\//.test(each))) {
    test(`answers ${command}`, { skip: WITHOUT_CURL }, async () => {
      assert.notEqual(await curl(command, ports), '');
    });
  }
});

describe('a configuration of one’s own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nodeproxy-docs-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** A copy of a sample that listens on any port, with its upstream on `upstream`. */
  function sample(file: string, upstream: number): string {
    const text = readFileSync(ROOT + file, 'utf8')
      .replaceAll(/port_value: (?:10000|9901)\b/g, 'port_value: 0')
      .replaceAll('port_value: 8080', `port_value: ${upstream}`)
      .replaceAll('module: filters/', `module: ${ROOT}config/filters/`);
    const copy = join(folder, file.replaceAll('/', '-'));
    writeFileSync(copy, text);
    return copy;
  }

  async function withSample(
    command: string,
    upstream: number,
    use: (started: Started, ports: Record<string, number>) => Promise<void>,
  ): Promise<void> {
    tried.add(command);
    const file = /-c (\S+)/.exec(command)?.[1] ?? '';
    const address = join(folder, 'admin.txt');
    rmSync(address, { force: true });
    const started = new Started(
      `${command.replace(file, sample(file, upstream))} --admin-address-path ${address}`,
    );
    try {
      await started.says(/all workers accept/);
      const { body } = await fetchText(`http://${readFileSync(address, 'utf8')}/listeners`);
      await use(started, { 10000: Number(/:(\d+)\n/.exec(body)?.[1]) });
    } finally {
      await started.stop();
    }
  }

  test(
    'the service and the requests of the ledger work, and the verdicts are those',
    { skip: WITHOUT_CURL },
    async () => {
      const service = COMMANDS.find((command) => command.startsWith('npx node -e ')) ?? '';
      const start = COMMANDS.find((command) => command.includes('config/javascript-filter.yaml')) ?? '';
      const requests = COMMANDS.filter((command) => command.startsWith('curl -H'));
      tried.add(service);
      const upstream = new Started(
        service.replace('listen(8080)', 'listen(0, function () { console.log(this.address().port) })'),
      );
      try {
        const [, port] = await upstream.says(/^(\d+)$/m);
        await withSample(start, Number(port), async (proxy, ports) => {
          for (const command of requests) assert.equal(await curl(command, ports), 'hello\n');
          // 20 ms of a timer that counts from the beginning of a loop's turn: mostly a bit less. Ten and more tell enough.
          await proxy.says(/paused\.delay=\d{5,}/);
          await proxy.says(/filter\.delay=\d{5,}/);
        });
      } finally {
        await upstream.stop();
      }
    },
  );

  test('the smallest sample serves', async () => {
    const service = createServer((_request, response) => response.end('here\n')).listen(0, '127.0.0.1');
    await once(service, 'listening');
    const { port } = service.address() as AddressInfo;
    const command = COMMANDS.find((each) => each.includes('-c config/envoy-demo.yaml')) ?? '';
    try {
      await withSample(command, port, async (_proxy, ports) => {
        const { body } = await fetchText(`http://127.0.0.1:${ports['10000']}/`);
        assert.equal(body, 'here\n');
      });
    } finally {
      service.close();
    }
  });

  for (const command of COMMANDS.filter((each) => each.startsWith('npm run nodeproxy '))) {
    test(`${command} succeeds`, async () => {
      tried.add(command);
      const page = join(folder, 'report.html');
      const line = command.replace('/tmp/report.html', page);
      const execute = () => run('sh', ['-c', line], { cwd: ROOT, env: ENV });
      // A lab on a machine with other worries may find those: then it says so, and is asked once more.
      const { stdout } = await (/ lab \w/.test(command) ? execute().catch(execute) : execute());
      const [, prints] = PRINTS.find(([about]) => about.test(command)) ?? [];
      assert.match(stdout, prints ?? /^nothing is known of this command$/);
      if (command.includes(' --html ')) assert.match(readFileSync(page, 'utf8'), /^<!doctype html>/i);
    });
  }

  test('the filter of README.md does what it looks like', async () => {
    const service = createServer((incoming, response) => {
      response.end(`client ${String(incoming.headers['x-client'])}`);
    }).listen(0, '127.0.0.1');
    await once(service, 'listening');
    const { port } = service.address() as AddressInfo;
    const config = httpConfig({ upstreamPort: port, script: true }).replace(
      'module: "@/script.js"',
      'module: "@/script.js", config: { forbidden: /secret }',
    );
    const proxy = new ProxyProcess(['run', '-c', '@/b.yaml', '--admin-address-path', '@/admin.txt'], {
      'b.yaml': config,
      'script.js': blockOf(README, 'js'),
    });
    try {
      await proxy.live();
      const url = `http://127.0.0.1:${await proxy.port('http')}`;
      const refused = await fetchText(`${url}/secret/1`);
      assert.deepEqual(
        [refused.status, refused.headers['x-why'], refused.body],
        [403, 'tag.js', 'not here\n'],
      );
      const passed = await fetchText(`${url}/open`);
      assert.match(passed.body, /^client 127\.0\.0\.1:\d+$/);
      assert.equal(passed.headers['x-body-bytes'], String(passed.body.length));
      assert.doesNotMatch(proxy.err, /error|warning/);
    } finally {
      await proxy.dispose();
      service.close();
    }
  });
});

test('the benchmarks of README.md are there, with the options that it gives them', async () => {
  const [list = '', ...others] = COMMANDS.filter((command) => /^npm run bench\b/.test(command));
  tried.add(list);
  const { stdout } = await run('npm', ['run', '-s', 'bench'], { cwd: ROOT, env: ENV });
  for (const { name } of SCENARIOS) {
    assert.match(stdout, new RegExp(`^ +${name} `, 'm'));
    assert.ok(README.includes(`| \`${name}\` |`), name);
  }
  for (const command of others) {
    tried.add(command);
    const [name, ...options] = wordsOf(command.slice('npm run bench -- '.length));
    const scenario = SCENARIOS.find((each) => each.name === name);
    assert.ok(scenario !== undefined, command);
    parseOptions(options, [...scenario.options, ...SHARED_OPTIONS]);
  }
});

test('the tests that README.md runs are there', async () => {
  const command = COMMANDS.find((each) => each.includes('--test ')) ?? '';
  tried.add(command);
  const pattern = wordsOf(command).at(-1) ?? '';
  const { stdout } = await run(process.execPath, [
    '-p',
    `require('node:fs').globSync(${JSON.stringify(ROOT + pattern)}).length`,
  ]);
  assert.ok(Number(stdout) > 3);
});

test('no command of README.md is left out', { skip: WITHOUT_CURL }, () => {
  assert.deepEqual(
    COMMANDS.filter((command) => !tried.has(command) && NOT_RUN[command] === undefined),
    [],
  );
});
