/**
 * The page of a report in Chromium: nothing to complain of, nothing asked of any network, nothing wider than the screen, charts to be
 * seen, and nothing of a hostile report runs. Skipped where there is no Chromium.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { reportPage } from '../../bench/report/page.ts';
import type { Report } from '../../bench/report/report.ts';
import { hostileReport } from './support/hostile-report.ts';
import { sampleReport } from './support/sample-report.ts';

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = BROWSERS.find((path) => existsSync(path));
const skip = executablePath === undefined ? `no browser: none of ${BROWSERS.join(', ')}` : false;
const NARROW = 360;
const WIDE = 1200;
/** What the page does that it must not. */
let problems: string[] = [];
let browser: Browser;
let folder: string;

const SAMPLE = sampleReport();
const HOSTILE_REPORT = hostileReport();
/** Drawing charts takes a second: each report is written once. */
const pages = new Map<Report, Promise<string>>();

function pageOf(report: Report): Promise<string> {
  const page = pages.get(report) ?? reportPage(report);
  pages.set(report, page);
  return page;
}

async function open(report: Report, width: number, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
  const page = await context.newPage();
  problems = [];
  const file = join(folder, 'report.html');
  writeFileSync(file, await pageOf(report));
  const address = pathToFileURL(file).href;
  page.on('console', (message) => problems.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (request.url() !== address && request.url() !== 'data:,') problems.push(`request: ${request.url()}`);
  });
  await page.goto(address);
  return page;
}

/** Pixels by which the page is wider than its window. */
async function overflow(page: Page): Promise<number> {
  return Number(
    await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
  );
}

/** Widths of the drawings that are shown, and the smallest text in them, in pixels of the screen. */
async function drawings(page: Page): Promise<{ width: number; text: number }[]> {
  const found: unknown = await page.evaluate(`[...document.querySelectorAll('.chart svg:not(.swatch)')]
    .filter((svg) => svg.checkVisibility())
    .map((svg) => ({
      width: svg.getBoundingClientRect().width,
      text: Math.min(...[...svg.querySelectorAll('text')].map((text) => text.getBoundingClientRect())
        .filter(({ width, height }) => width > 0 && height > 0)
        .map(({ width, height }) => Math.min(width, height))),
    }))`);
  return found as { width: number; text: number }[];
}

describe('the page of a report in Chromium', { skip }, () => {
  before(async () => {
    if (executablePath === undefined) return;
    folder = mkdtempSync(join(tmpdir(), 'nodeproxy-report-'));
    // Chromium does not use its sandbox as root, which tests in a container are.
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
  });
  after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  for (const width of [NARROW, WIDE])
    test(`fits into ${width} pixels, each chart is drawn once and can be read`, async () => {
      const page = await open(SAMPLE, width);
      assert.deepEqual(problems, []);
      assert.equal(await overflow(page), 0);
      const shown = await drawings(page);
      assert.equal(shown.length, 4);
      for (const drawing of shown) {
        assert.ok(drawing.width > width * 0.7 && drawing.width <= width, `${drawing.width} pixels wide`);
        assert.ok(drawing.text >= 7, `text of ${drawing.text} pixels`);
      }
      await page.context().close();
    });

  test('a table too wide for the screen scrolls in its box, names stay in sight', async () => {
    const page = await open(SAMPLE, NARROW);
    const found: unknown = await page.evaluate(`(() => {
      const box = document.querySelector('.table .scroll');
      box.scrollTo(200, 0);
      const left = (element) => element.getBoundingClientRect().x;
      return { hidden: box.scrollWidth - box.clientWidth, moved: box.scrollLeft, shift: left(box.querySelector('tbody th')) - left(box) };
    })()`);
    const { hidden, moved, shift } = found as { hidden: number; moved: number; shift: number };
    assert.ok(hidden > 200, `${hidden} pixels to scroll`);
    assert.equal(moved, 200);
    assert.ok(shift >= 0 && shift < 3, `names at ${shift}`);
    await page.context().close();
  });

  for (const scheme of ['light', 'dark'] as const)
    test(`text, series and marks stand out from their ground in the ${scheme} scheme`, async () => {
      const page = await open(SAMPLE, WIDE, scheme);
      const least: unknown = await page.evaluate(`(() => {
        const style = getComputedStyle(document.documentElement);
        const light = (name) => {
          const hex = style.getPropertyValue(name).trim();
          const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
            .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const contrast = (a, b) => {
          const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
          return (high + 0.05) / (low + 0.05);
        };
        return {
          text: Math.min(contrast('--ink', '--ground'), contrast('--quiet', '--ground'), contrast('--quiet', '--card'), contrast('--accent', '--ground'), contrast('--best-ink', '--best')),
          series: Math.min(...[0, 1, 2, 3, 4, 5, 6, 7].map((index) => contrast('--series-' + index, '--ground'))),
        };
      })()`);
      const { text, series } = least as { text: number; series: number };
      // WCAG 2.2: 4.5 for text (1.4.3), and 3 for what must be seen to understand (1.4.11), less where words repeat it.
      assert.ok(text >= 4.5, `text ${text}`);
      assert.ok(series >= 2.4, `series ${series}`);
      await page.context().close();
    });

  test('the sections are reached by their links', async () => {
    const page = await open(SAMPLE, WIDE);
    await page.locator('nav a', { hasText: 'The slowest requests' }).click();
    assert.ok(await page.locator('section', { hasText: 'The ledger of the slowest' }).isVisible());
    assert.match(page.url(), /#section-2$/);
    assert.deepEqual(problems, []);
    await page.context().close();
  });

  for (const width of [NARROW, WIDE])
    test(`a hostile report is text, and fits into ${width} pixels`, async () => {
      const page = await open(HOSTILE_REPORT, width);
      assert.deepEqual(problems, []);
      assert.match(await page.title(), /^<\/style>.*nodeproxy benchmark$/);
      assert.equal(await page.locator('main img, main script, main style').count(), 0);
      assert.equal(await overflow(page), 0);
      await page.context().close();
    });

  test('an empty report is a page too', async () => {
    const page = await open(sampleReport({ sections: [] }), NARROW);
    assert.deepEqual(problems, []);
    assert.ok(await page.getByText('nothing was measured').isVisible());
    await page.context().close();
  });
});
