/**
 * The page of `logs diagnose --html`: one file that needs nothing else. Numbers and pictures are written here; the waterfalls are drawn
 * by the page's script (`client.js`) when they are asked for, from JSON that the page carries.
 *
 * Invariant: no value of a log line can become markup, script or style (`html.ts`), and if one did, the page's own policy admits
 * only the one script and the one style that stand in it, and no connection to anywhere.
 */
import type { Report } from '../report.ts';
import { embeddedJson, Html, markup } from './html.ts';
import { latencyChart } from './latency-chart.ts';
import { pageScript, pageStyle } from './page-assets.ts';
import { PageRequests } from './page-data.ts';
import {
  findingsSection,
  headSection,
  requestsSection,
  summarySection,
  threadsSection,
  unreadableSection,
} from './sections.ts';
import { timeChart } from './time-chart.ts';

export function renderPage(report: Report): string {
  const style = pageStyle();
  const script = pageScript();
  const requests = new PageRequests(report);
  const policy = `default-src 'none'; script-src ${script.source}; style-src ${style.source}; img-src data:; base-uri 'none'; form-action 'none'`;
  // Style and script stand in their elements to the byte: the policy names their hashes.
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>nodeproxy diagnosis: ${report.files.join(', ')}</title>
<style>${new Html(style.text)}</style>
</head>
<body>
<main>
${headSection(report)}
${summarySection(report)}
${findingsSection(report, requests)}
${section('latency', 'Latency', latencyChart(report))}
${section('time', 'Time by segment over time', timeChart(report))}
${threadsSection(report)}
${requestsSection(report, requests)}
${unreadableSection(report)}
</main>
<script type="application/json" id="waterfalls">${embeddedJson(requests.data())}</script>
<script>${new Html(script.text)}</script>
</body>
</html>
`;
  return page.text;
}

function section(id: string, title: string, content: Html): Html {
  if (content.text === '') return content;
  return markup`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${content}
  </section>`;
}
