/**
 * The page in a browser, Debian's Chromium: a click on a request draws its waterfall, the keyboard walks through it, nothing is asked
 * of any network, nothing of a hostile line runs. Skipped where there is no Chromium.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { diagnose } from '../../src/diagnose/diagnosis.ts';
import type { Report } from '../../src/diagnose/report.ts';
import { renderPage } from '../../src/diagnose/page/render-page.ts';
import { waterfallOf } from '../../src/diagnose/waterfall/waterfall.ts';
import { OWN_LINES, pageReport, recordOf, TALK_LINES } from './support/page-report.ts';

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = BROWSERS.find((path) => existsSync(path));
const skip = executablePath === undefined ? `no browser: none of ${BROWSERS.join(', ')}` : false;
/** What each page does that it must not. */
let problems: string[] = [];
let browser: Browser;
let folder: string;

const HOSTILE = (TALK_LINES[4] ?? '')
  .replace(
    '/split?delay=19',
    '/hostile</script><script>document.title=`owned`</script><img/src=x/onerror=alert(1)>',
  )
  .replace('curl/8.4.0', '<svg/onload=document.title=`owned`>');

async function open(
  width = 1000,
  colorScheme: 'light' | 'dark' = 'light',
  change = (text: string): string => text,
  report: Report = pageReport([HOSTILE]),
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
  const page = await context.newPage();
  problems = [];
  const file = join(folder, 'report.html');
  writeFileSync(file, change(renderPage(report)));
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

/** Clicks a request of the list and gives what opened below it. */
async function openRequest(page: Page, text: string): Promise<Locator> {
  const button = page.locator('button.request', { hasText: text }).first();
  assert.equal(await button.getAttribute('aria-expanded'), 'false');
  await button.click();
  assert.equal(await button.getAttribute('aria-expanded'), 'true');
  return page.locator(`#${await button.getAttribute('aria-controls')}`);
}

async function countsOf(slot: Locator): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const lane of await slot.locator('.lane:not(.axis)').all()) {
    const name = (await lane.getAttribute('aria-label')) ?? '';
    counts[name] = await lane.locator('.bar').count();
  }
  return counts;
}

describe('the page in Chromium', { skip }, () => {
  before(async () => {
    if (executablePath === undefined) return;
    folder = mkdtempSync(join(tmpdir(), 'nodeproxy-page-'));
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

  test('a click on a request draws the bars of its line, with their labels', async () => {
    const page = await open();
    const slot = await openRequest(page, '/upload');
    const line = OWN_LINES.find((each) => each.includes('/upload')) ?? '';
    const expected = waterfallOf(recordOf(line)).lanes.map(({ name, bars }) => [name, bars.length]);
    assert.deepEqual(await countsOf(slot), Object.fromEntries(expected));
    assert.equal(await slot.locator('.lane-downstream-reads .k-read').count(), 16);
    assert.equal(await slot.locator('.lane-downstream-reads .k-skipped').count(), 1);
    const labels = await slot.locator('.lane-downstream-reads .labels span:visible').allTextContents();
    assert.ok(labels.includes('98 B H'), labels.join());
    assert.ok((await slot.locator('.facts').textContent())?.includes('4427d345-4b84-42cb-a3be-dc9b0353a004'));
    assert.deepEqual(problems, []);
    await page.context().close();
  });

  test('the diagnosis of the talk’s log shows each finding, and the waterfall of its lines', async () => {
    const log = fileURLToPath(new URL('../observe/samples.txt', import.meta.url));
    const report = await diagnose([log]);
    const page = await open(1000, 'light', (text) => text, report);
    const text = (await page.locator('body').textContent())?.replaceAll(/\s+/g, ' ') ?? '';
    assert.ok(report.findings.length >= 6);
    for (const { what } of report.findings) assert.ok(text.includes(what), what);
    const slot = await openRequest(page, '/split?delay=19');
    const expected = waterfallOf(recordOf(TALK_LINES[4] ?? '')).lanes.map(({ name, bars }) => [
      name,
      bars.length,
    ]);
    assert.deepEqual(await countsOf(slot), Object.fromEntries(expected));
    assert.deepEqual(problems, []);
    await page.context().close();
  });

  test('bars stand where the line says, side by side where they would hide each other', async () => {
    const page = await open();
    const slot = await openRequest(page, '/split?delay=19 ');
    const track = await slot.locator('.lane-upstream-reads .bars').boundingBox();
    const reads = await Promise.all(
      (await slot.locator('.lane-upstream-reads .k-read').all()).map((bar) => bar.boundingBox()),
    );
    const [first, last] = reads;
    assert.ok(track && first && last && reads.length === 2);
    assert.ok(Math.abs((first.x - track.x) / track.width - 3 / 22) < 0.01);
    assert.ok(last.x + last.width <= track.x + track.width + 1 && last.x > track.x + track.width - 10);
    const talk = await openRequest(page, '/large?length=100000');
    const pair = await Promise.all(
      (await talk.locator('.lane-downstream-reads .k-read').all()).map((bar) => bar.boundingBox()),
    );
    assert.ok((pair[1]?.x ?? 0) >= (pair[0]?.x ?? 0) + (pair[0]?.width ?? 0));
    await page.context().close();
  });

  test('pointer and arrow keys read out the bars', async () => {
    const page = await open();
    const slot = await openRequest(page, '/split?delay=19 ');
    await slot.locator('.k-gap').hover();
    const words = slot.locator('.words');
    assert.match((await words.textContent()) ?? '', /^19 ms in which no bytes of the message came/);
    await slot.locator('.bar[tabindex="0"]').focus();
    assert.match((await words.textContent()) ?? '', /^pool: 1 ms/);
    await page.keyboard.press('ArrowRight');
    assert.match((await words.textContent()) ?? '', /^upstream: 1 ms/);
    await page.keyboard.press('ArrowDown');
    assert.match((await words.textContent()) ?? '', /^Read 100183 bytes from the client/);
    assert.equal(await slot.locator('.bar[tabindex="0"]').count(), 1, 'one stop for the tab key');
    await page.context().close();
  });

  test('everything is reached by the keyboard, and closes again', async () => {
    const page = await open();
    const button = page.locator('button.draw').first();
    await button.focus();
    await page.keyboard.press('Enter');
    const slot = page.locator(`#${await button.getAttribute('aria-controls')}`);
    assert.equal(await slot.locator('.waterfall').count(), 1);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.classList.contains("bar")'), true);
    await button.press('Space');
    assert.equal(await slot.isVisible(), false);
    assert.deepEqual(problems, []);
    await page.context().close();
  });

  test('a hostile line is text, in the list, in the waterfall and in the tokens', async () => {
    const page = await open();
    const slot = await openRequest(page, '/hostile</script>');
    await slot.locator('summary').click();
    assert.ok((await slot.locator('pre').textContent())?.includes('<svg/onload='));
    assert.equal(await page.locator('img, svg[onload]').count(), 0);
    assert.match(await page.title(), /^nodeproxy diagnosis/);
    assert.deepEqual(problems, []);
    await page.context().close();
  });

  test('the same line as markup would run without the policy, and does not with it', async () => {
    const raw = (text: string): string => text.replace('<h1>', () => `<h1>${HOSTILE}`);
    const withPolicy = await open(1000, 'light', raw);
    assert.match(await withPolicy.title(), /^nodeproxy diagnosis/);
    assert.ok(problems.some((problem) => problem.includes('Content Security Policy')));
    await withPolicy.context().close();
    const without = await open(1000, 'light', (text) => raw(text).replace('Content-Security-Policy', 'none'));
    assert.equal(await without.title(), 'owned');
    await without.context().close();
  });

  test('the filter finds a request by any text of its line', async () => {
    const page = await open();
    await page.locator('#filter').fill('3149fbe8-4940');
    assert.equal(await page.locator('#requests > li:visible').count(), 1);
    assert.equal(await page.locator('#filter-count').textContent(), '1 shown');
    await page.locator('#filter').fill('');
    assert.ok((await page.locator('#requests > li:visible').count()) > 20);
    await page.context().close();
  });

  for (const width of [1000, 400]) {
    for (const scheme of ['light', 'dark'] as const) {
      test(`nothing is cut off at ${width} pixels, ${scheme}, and all text can be read`, async () => {
        const page = await open(width, scheme);
        await openRequest(page, '/big');
        await openRequest(page, 'length=10000 ');
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
        const contrasts = await page.evaluate(CONTRASTS);
        assert.deepEqual(contrasts, []);
        assert.deepEqual(problems, []);
        await page.context().close();
      });
    }
  }
});

/** Texts with less contrast to the nearest ground behind them than WCAG asks for (4.5 to 1). Runs in the page. */
const CONTRASTS = `(() => {
  const channels = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => { const v = c / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; })
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let each = element; each !== null; each = each.parentElement) {
      const colour = channels(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll('h1, h2, h3, p, dt, dd, li, span, code, pre, th, td, summary, label, button, text')) {
    if (element.checkVisibility() === false || element.textContent.trim() === '') continue;
    const style = getComputedStyle(element);
    const ink = channels(element.tagName === 'text' ? style.fill : style.color);
    const [a, b] = [light(ink), light(ground(element))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) poor.push(element.tagName + '.' + element.getAttribute('class') + ' ' + contrast.toFixed(2));
  }
  return [...new Set(poor)];
})()`;
