/** The page as text: complete, self-contained, and closed to whatever a log line tries to put into it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { embeddedJson, markup } from '../../src/diagnose/page/html.ts';
import type { PageWaterfall } from '../../src/diagnose/page/page-data.ts';
import { renderPage } from '../../src/diagnose/page/render-page.ts';
import type { Report } from '../../src/diagnose/report.ts';
import { pageReport, TALK_LINES } from './support/page-report.ts';

/** In place of a path, a user agent and an id; none contains a quote, which our log would have escaped. */
const HOSTILE = [
  '/</script><script>window.owned=1</script>',
  '/<!--<script>',
  '/<img/src=x/onerror=window.owned=1>',
  '/&lt;b&gt;&#x3c;b>',
  "/'onmouseover='window.owned=1",
  '/]]>{{constructor}}${window.owned=1}`',
  '/\u2028\u2029\u202e\u0000\u001b',
];

function hostileLines(): string[] {
  return HOSTILE.map((text) =>
    (TALK_LINES[4] ?? '').replace('/split?delay=19', () => text).replace('curl/8.4.0', () => text),
  );
}

/** The report with a hostile text wherever a text can stand. */
function hostileReport(): Report {
  const bad = HOSTILE.join(' ');
  const report = pageReport(hostileLines());
  const [line = ''] = hostileLines();
  const evidence = { file: bad, lineNumber: 1, line, reading: bad };
  return {
    ...report,
    files: [bad],
    segments: [{ segment: `filter.${bad}`, us: 5, share: 1 }],
    slices: [
      { startUs: 1, requests: 1, failures: 0, p50: 1, p99: 1, segments: [{ segment: bad, us: 5, share: 1 }] },
    ],
    findings: [
      {
        cause: 'slow-filter',
        subject: bad,
        what: bad,
        requests: 1,
        slowRequests: 1,
        explainedUs: 1,
        share: 1,
        evidence: [evidence],
        remedies: [{ text: bad, setting: bad }],
        details: [bad],
      },
    ],
    unreadable: [{ reason: bad, count: 1, examples: [{ file: bad, lineNumber: 1, text: bad }] }],
    notable: [...report.notable, evidence, { ...evidence, lineNumber: 2, line: bad }],
    remarks: [bad],
  };
}

function waterfallsOf(page: string): (PageWaterfall | null)[] {
  const json = /<script type="application\/json" id="waterfalls">(.*)<\/script>/.exec(page)?.[1] ?? '';
  return JSON.parse(json) as (PageWaterfall | null)[];
}

/** Without what stands in scripts. */
function markupOf(page: string): string {
  return page.replaceAll(/<script[^]*?<\/script>/g, '');
}

function elementTexts(page: string, name: string): string[] {
  return Array.from(page.matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, 'g')), (match) => match[1] ?? '');
}

describe('what a log line can do to the page', () => {
  const page = renderPage(hostileReport());
  const clean = renderPage(pageReport());

  test('nothing of it becomes an element, an attribute or a script', () => {
    const tags = (text: string): string[] =>
      [...new Set(Array.from(text.matchAll(/<!?\/?[a-z-]+/gi), ([tag]) => tag))].sort();
    const [body, cleanBody] = [markupOf(page), markupOf(clean)];
    assert.deepEqual(
      tags(body).filter((tag) => !tags(cleanBody).includes(tag)),
      [],
    );
    assert.equal(page.match(/<script/g)?.length, 2);
    assert.equal(page.match(/<\/script/g)?.length, 2);
    assert.doesNotMatch(body, /<[^>]*\son[a-z]+=/);
    assert.doesNotMatch(page, /<!--/);
  });

  test('it is all there to read, as text', () => {
    assert.ok(page.includes('/&lt;/script&gt;&lt;script&gt;window.owned=1&lt;/script&gt;'));
    assert.ok(page.includes('/&amp;lt;b&amp;gt;'));
    const titles = waterfallsOf(page).map((waterfall) => waterfall?.title);
    assert.ok(titles.includes('POST /</script><script>window.owned=1</script> HTTP/1.1'));
  });

  test('no character of it is invisible, turns text around or ends a line of JSON', () => {
    assert.doesNotMatch(page.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    assert.ok(page.includes('\\u2028\\u2029\\u202e'));
  });

  test('a value is escaped whatever it is put into', () => {
    assert.equal(
      markup`<a title="${'"><b>'}">${'<&\u001b'}</a>`.text,
      '<a title="&quot;&gt;&lt;b&gt;">&lt;&amp;\\u001b</a>',
    );
    const json = embeddedJson({ a: '</script><!--\u2028' }).text;
    assert.doesNotMatch(json, /[<\u2028]/);
    assert.deepEqual(JSON.parse(json), { a: '</script><!--\u2028' });
  });
});

describe('the page', () => {
  const page = renderPage(pageReport());

  test('needs nothing from anywhere', () => {
    assert.doesNotMatch(page, /(?:https?:)?\/\/[a-z0-9.-]+\.[a-z]{2,}/i);
    assert.doesNotMatch(page, /\b(?:src|href)="(?!data:,")/);
    assert.doesNotMatch(page, /@import\s+['"u]|url\(|\bfetch\(|XMLHttpRequest|\bimport\s*\(/);
  });

  test('allows its one script and its one style, by their hashes, and nothing else', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1] ?? '';
    const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    const [script, style] = [elementTexts(page, 'script'), elementTexts(page, 'style')];
    assert.deepEqual([script.length, style.length], [1, 1]);
    assert.match(policy, /^default-src 'none'; /);
    assert.ok(policy.includes(`script-src ${hash(script[0] ?? '')};`));
    assert.ok(policy.includes(`style-src ${hash(style[0] ?? '')};`));
    assert.doesNotMatch(policy, /unsafe/);
    assert.doesNotMatch(page, /\sstyle="/);
  });

  test('has a waterfall for every line that it shows and that can be read', () => {
    const waterfalls = waterfallsOf(page);
    const shown = new Set(Array.from(page.matchAll(/data-request="(\d+)"/g), ([, index]) => Number(index)));
    assert.equal(waterfalls.length, shown.size);
    for (const index of shown) assert.ok(waterfalls[index], String(index));
    for (const bar of waterfalls.flatMap((each) => each?.lanes.flatMap(({ bars }) => bars) ?? []))
      assert.ok(bar.left >= 0 && bar.width >= 0 && bar.left + bar.width <= 100.01, JSON.stringify(bar));
  });

  test('says every number of the report that a reader needs', () => {
    for (const text of [
      '376.6 ms',
      'chi-square 8.6',
      'per_connection_buffer_limit_bytes',
      'Findings, worst first',
    ])
      assert.ok(page.includes(text), text);
  });

  test('of an empty report is a page, too', () => {
    const empty = renderPage({
      files: ['-'],
      lines: 0,
      requests: 0,
      firstUs: null,
      lastUs: null,
      latency: { p50: 0, p90: 0, p99: 0, p999: 0, max: 0 },
      slowFromUs: 0,
      slowRequests: 0,
      segments: [],
      findings: [],
      balance: null,
      unreadable: [],
      histogram: [{ upToUs: 0, count: 0 }],
      slices: [],
      notable: [],
      remarks: [],
    });
    assert.match(empty, /No request could be read/);
    assert.doesNotMatch(markupOf(empty), /NaN|Infinity|undefined/);
    assert.deepEqual(waterfallsOf(empty), []);
  });

  test('has no number that is none, also with one bucket, one slice and one thread', () => {
    const report = pageReport();
    const small: Report = {
      ...report,
      histogram: [
        { upToUs: 1000, count: 3 },
        { upToUs: Number.POSITIVE_INFINITY, count: 1 },
      ],
      slices: report.slices.slice(0, 1),
      balance: {
        threads: [{ process: 1, threadId: 1, requests: 4, connections: 1 }],
        maxToMin: Infinity,
        chiSquare: 0,
        probability: 1,
      },
    };
    for (const text of [renderPage(small), page]) {
      assert.doesNotMatch(markupOf(text), /NaN|Infinity|undefined|\[object/);
    }
  });
});

test('the script of the page has no type errors', () => {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
  const project = fileURLToPath(new URL('../../src/diagnose/page/', import.meta.url));
  const tsc = spawnSync(process.execPath, [join(dirname(manifest), 'bin', 'tsc'), '--noEmit', '-p', project]);
  assert.equal(tsc.status, 0, tsc.stdout.toString());
});
