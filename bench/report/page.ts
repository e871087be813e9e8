/**
 * A report as one HTML file that needs nothing else: no script, no network, charts as SVG. It begins with the set-up, because
 * without it no figure means anything.
 *
 * Invariant: no text of a report can become markup or style (`html.ts`), and if one did, the page's own policy admits only the one
 * style that stands in it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { invariant } from '../../src/base/invariant.ts';
import { Html, markup, NOTHING } from '../../src/diagnose/page/html.ts';
import { chartFigure } from './chart/figure.ts';
import { tableFigure } from './page-table.ts';
import type { Listing, Report, Section } from './report.ts';
import { commandText, setUpFacts } from './set-up-text.ts';

export async function reportPage(report: Report): Promise<string> {
  const style = readFileSync(new URL('page.css', import.meta.url), 'utf8');
  invariant(!/<\/style|<!--/i.test(style), 'the style would end its own element');
  const hash = createHash('sha256').update(style).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  const sections: Html[] = [];
  for (const [index, section] of report.sections.entries()) sections.push(await sectionOf(section, index));
  // The style stands in its element to the byte: the policy names its hash.
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${report.title}: nodeproxy benchmark</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
${head(report)}
${sections.length === 0 ? markup`<p class="quiet">No section: nothing was measured.</p>` : sections}
</main>
</body>
</html>
`.text;
}

function head(report: Report): Html {
  const facts = setUpFacts(report).map(([name, text]) => markup`<div><dt>${name}</dt><dd>${text}</dd></div>`);
  const links = report.sections.map(
    ({ title }, index) => markup`<li><a href="#section-${index + 1}">${title}</a></li>`,
  );
  return markup`<header>
    <p class="brand">nodeproxy benchmark</p>
    <h1>${report.title}</h1>
    <dl class="facts">${facts}</dl>
    <p class="quiet command">To run it again: <code>${commandText(report)}</code></p>
    <p class="quiet">Absolute figures hold for this machine; ratios within one run are what travels. Two runs may be set side by side only where machine, versions, pinning and options agree.</p>
    ${links.length < 2 ? NOTHING : markup`<nav aria-label="Sections"><ol>${links}</ol></nav>`}
  </header>`;
}

async function sectionOf(section: Section, index: number): Promise<Html> {
  const parts: Html[] = [];
  for (const part of section.parts) {
    if (part.kind === 'listing') parts.push(listingOf(part));
    else if (part.kind === 'table') parts.push(tableFigure(part, items(part.notes)));
    else parts.push(await chartFigure(part, notesOf(part.notes)));
  }
  const empty = parts.length === 0 && section.text.length === 0;
  return markup`<section id="section-${index + 1}">
    <h2>${section.title}</h2>
    ${section.text.map((paragraph) => markup`<p>${prose(paragraph)}</p>`)}
    ${empty ? markup`<p class="quiet">Nothing was measured here.</p>` : parts}
  </section>
`;
}

function listingOf({ title, lines }: Listing): Html {
  const text = lines.map((line) => markup`${line}\n`);
  return markup`<figure class="listing"><figcaption>${title}</figcaption><pre class="scroll" tabindex="0">${text}</pre></figure>`;
}

function items(notes: readonly string[] = []): Html[] {
  return notes.map((note) => markup`<li>${prose(note)}</li>`);
}

function notesOf(notes: readonly string[] | undefined): Html {
  const list = items(notes);
  return list.length === 0 ? NOTHING : markup`<ul class="notes">${list}</ul>`;
}

/** Text in which `this` is code. */
function prose(text: string): Html {
  const parts = text.split('`');
  // An odd number of marks: they stand for themselves.
  if (parts.length % 2 === 0) return markup`${text}`;
  return markup`${parts.map((part, index) => (index % 2 === 0 ? markup`${part}` : markup`<code>${part}</code>`))}`;
}
