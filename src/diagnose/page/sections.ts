/**
 * The parts of the page that are lists and numbers: head, summary, findings, threads, requests, what could not be read.
 *
 * Buttons with `data-request` open a waterfall in the element that they control; the number is the request's place in the page's JSON.
 */
import { byProcess } from '../balance.ts';
import type { Evidence, Finding, Report } from '../report.ts';
import { flagWords, segmentWords } from '../waterfall/flags.ts';
import { shortened } from '../waterfall/printable.ts';
import { markup, NOTHING, type Html } from './html.ts';
import { sharesOf, type PageRequests } from './page-data.ts';
import { compareSegments, familyOf } from './segments.ts';
import { count, instant, lengthText, percent, plural } from './words.ts';

export function headSection(report: Report): Html {
  const files = report.files.map((file) => (file === '-' ? 'standard input' : file)).join(', ');
  const { firstUs, lastUs } = report;
  const when = firstUs === null || lastUs === null ? '' : `, ${instant(firstUs)} to ${instant(lastUs)} UTC`;
  return markup`<header>
    <p class="brand">nodeproxy · diagnosis</p>
    <h1>${headline(report)}</h1>
    <p class="quiet">
      ${plural(report.requests, 'request')} in ${plural(report.lines, 'line')} of ${files}${when}
    </p>
  </header>`;
}

function headline({ findings, requests }: Report): string {
  const [worst, ...others] = findings;
  if (requests === 0) return 'No request could be read';
  if (worst === undefined) return 'Nothing stands out in these requests';
  const more = others.length === 0 ? '' : `, and ${plural(others.length, 'more finding')}`;
  return `${worst.what.replace(/\.$/, '')}${more}`;
}

export function summarySection(report: Report): Html {
  const { latency } = report;
  const tiles: readonly (readonly [string, string])[] = [
    ['median', lengthText(latency.p50)],
    ['90 % within', lengthText(latency.p90)],
    ['99 % within', lengthText(latency.p99)],
    ['99.9 % within', lengthText(latency.p999)],
    ['longest', lengthText(latency.max)],
    [`slow, from ${lengthText(report.slowFromUs)}`, count(report.slowRequests)],
  ];
  return markup`<section aria-labelledby="summary">
    <h2 id="summary">Summary</h2>
    <dl class="tiles">
      ${tiles.map(
        ([name, value]) =>
          markup`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    ${segmentBar(report)} ${report.remarks.map((remark) => markup`<p class="remark">${remark}</p>`)}
  </section>`;
}

function segmentBar({ segments }: Report): Html {
  if (segments.length === 0) return NOTHING;
  const ordered = [...segments].sort((a, b) => compareSegments(a.segment, b.segment));
  const largest = [...segments].sort((a, b) => b.us - a.us);
  return markup`<h3>Where the time went, all requests together</h3>
    ${stack(ordered.map(({ segment, share }) => ({ family: familyOf(segment), share: share * 100 })))}
    <ul class="shares">
      ${largest.map(
        ({ segment, us, share }) =>
          markup`<li>
            <i class="swatch s-${familyOf(segment)}"></i><b>${segment}</b
            ><span class="number">${lengthText(us)} · ${percent(share)}</span
            ><span class="quiet">${segmentWords(segment)}</span>
          </li>`,
      )}
    </ul>`;
}

/** Shares in percent, side by side; a picture of what a list beside it says. */
function stack(parts: readonly { readonly family: string; readonly share: number }[]): Html {
  let from = 0;
  const rects = parts.map(({ family, share }) => {
    const rect = markup`<rect
      class="s-${family}"
      x="${from.toFixed(3)}%"
      width="${share.toFixed(3)}%"
      height="100%"
    />`;
    from += share;
    return rect;
  });
  return markup`<svg class="stack" aria-hidden="true">${rects}</svg>`;
}

export function findingsSection(report: Report, requests: PageRequests): Html {
  if (report.findings.length === 0)
    return markup`<section aria-labelledby="findings">
      <h2 id="findings">Findings</h2>
      <p>No cause of slowness or failure stands out above the thresholds.</p>
    </section>`;
  return markup`<section aria-labelledby="findings">
    <h2 id="findings">Findings, worst first</h2>
    <ol class="findings">
      ${report.findings.map((finding, index) => findingItem(finding, index, requests))}
    </ol>
  </section>`;
}

function findingItem(finding: Finding, index: number, requests: PageRequests): Html {
  const { what, remedies, evidence, details, share } = finding;
  return markup`<li class="finding">
    <h3>${what}</h3>
    <p class="measure">
      ${share > 0 ? shareMeter(share) : NOTHING}
      <span>${measure(finding)}</span>
    </p>
    ${
      remedies.length === 0
        ? NOTHING
        : markup`<ul class="remedies">
            ${remedies.map(({ text, setting }) => markup`<li>${text}${setting === null ? NOTHING : markup` <code>${setting}</code>`}</li>`)}
          </ul>`
    }
    ${
      details.length === 0
        ? NOTHING
        : markup`<details>
            <summary>Numbers</summary>
            <ul class="numbers">
              ${details.map((line) => markup`<li>${line}</li>`)}
            </ul>
          </details>`
    }
    ${evidence.length === 0 ? NOTHING : markup`<h4>Evidence</h4>`}
    ${evidence.map((each, at) => evidenceItem(each, `f${index}-${at}`, requests))}
  </li>`;
}

function shareMeter(share: number): Html {
  return markup`<svg class="meter" aria-hidden="true">
    <rect class="rest" width="100%" height="100%" />
    <rect class="part" width="${(Math.min(1, share) * 100).toFixed(2)}%" height="100%" />
  </svg>`;
}

function measure({ requests, slowRequests, explainedUs, share, subject }: Finding): string {
  const explained =
    explainedUs > 0 ? `, ${lengthText(explainedUs)} or ${percent(share)} of the time of slow requests` : '';
  const slow = slowRequests > 0 ? `, ${count(slowRequests)} of them slow` : '';
  return `${subject === '' ? '' : `${subject}: `}${plural(requests, 'request')}${slow}${explained}`;
}

function evidenceItem(evidence: Evidence, id: string, requests: PageRequests): Html {
  const { file, lineNumber, line, reading } = evidence;
  const at = `${file}:${lineNumber}`;
  const drawn = requests.of(evidence)?.waterfall != null;
  return markup`<div class="evidence">
    <p>${reading}</p>
    <pre class="line" tabindex="0" aria-label="log line ${at}">${line}</pre>
    ${
      drawn
        ? markup`<button
              type="button"
              class="draw"
              data-request="${requests.indexOf(evidence)}"
              aria-expanded="false"
              aria-controls="${id}"
            >
              Waterfall of ${at}
            </button>
            <div class="slot" id="${id}" hidden></div>`
        : markup`<p class="quiet">${at}</p>`
    }
  </div>`;
}

export function threadsSection({ balance }: Report): Html {
  if (balance === null || balance.threads.length === 0) return NOTHING;
  const most = Math.max(1, ...balance.threads.map(({ requests }) => requests));
  const total = balance.threads.reduce((sum, { requests }) => sum + requests, 0) || 1;
  const many = byProcess(balance.threads).length > 1;
  const rows = balance.threads.map(
    ({ process, threadId, requests, connections }) =>
      markup`<tr>
        <th scope="row">${many ? `${process}: ` : ''}${threadId}</th>
        <td class="wide">
          <svg class="meter" aria-hidden="true">
            <rect class="part" width="${((requests / most) * 100).toFixed(2)}%" height="100%" />
          </svg>
        </td>
        <td>${count(requests)}</td>
        <td>${percent(requests / total)}</td>
        <td>${count(connections)}</td>
      </tr>`,
  );
  return markup`<section aria-labelledby="threads">
    <h2 id="threads">Threads</h2>
    <div class="scroll">
      <table class="threads">
        <thead>
          <tr>
            <th>${many ? 'process: thread' : 'thread'}</th>
            <th class="wide"></th>
            <th>requests</th>
            <th>share</th>
            <th>connections</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    <p class="quiet">${balanceText(balance)}</p>
  </section>`;
}

function balanceText({ maxToMin, chiSquare, probability, threads }: NonNullable<Report['balance']>): string {
  if (threads.length < 2) return 'One thread took all requests.';
  const ratio = Number.isFinite(maxToMin)
    ? `${maxToMin.toFixed(2)} times the requests of the least busy one`
    : 'all while another took none';
  const where = byProcess(threads).length > 1 ? ' Threads are compared with those of their own process.' : '';
  return `The busiest thread took ${ratio}.${where} Against an even split: chi-square ${chiSquare.toFixed(1)}, probability by chance ${probability < 0.001 ? 'below 0.001' : probability.toFixed(3)}.`;
}

export function requestsSection(report: Report, requests: PageRequests): Html {
  if (report.notable.length === 0) return NOTHING;
  return markup`<section aria-labelledby="notable">
    <h2 id="notable">Requests: the slowest and the failed</h2>
    <p class="tools">
      <label for="filter">Filter</label>
      <input id="filter" type="search" placeholder="path, id, flag, address" autocomplete="off" />
      <span id="filter-count" class="quiet" aria-live="polite"></span>
    </p>
    <ul id="requests">
      ${report.notable.map((evidence, index) => requestItem(evidence, index, requests))}
    </ul>
  </section>`;
}

const TITLE_CHARACTERS = 90;

function requestItem(evidence: Evidence, index: number, requests: PageRequests): Html {
  const shown = requests.of(evidence);
  const place = requests.indexOf(evidence);
  if (shown === null || shown.record === null || shown.waterfall === null)
    return markup`<li data-request="${place}"><pre class="line" tabindex="0">${evidence.line}</pre></li>`;
  const { record, waterfall } = shown;
  const parts = sharesOf(waterfall);
  const failed = record.flags.length > 0 || (record.base?.responseCode ?? 200) >= 500;
  const outcome = [record.base === null ? '' : String(record.base.responseCode), ...record.flags].join(' ');
  const total = record.totalUs === null ? '?' : lengthText(record.totalUs, record.resolutionUs);
  const id = `r${index}`;
  return markup`<li data-request="${place}">
    <button type="button" class="request" data-request="${place}" aria-expanded="false" aria-controls="${id}">
      <span class="total">${total}</span>
      <span class="shape">${stack(parts)}</span>
      <span class="what">${shortened(waterfall.title, TITLE_CHARACTERS)}</span>
      <span class="${failed ? 'outcome failed' : 'outcome'}" title="${record.flags.map(flagWords).join('; ')}"
        >${outcome}</span
      >
    </button>
    <div class="slot" id="${id}" hidden></div>
  </li>`;
}

export function unreadableSection({ unreadable }: Report): Html {
  if (unreadable.length === 0) return NOTHING;
  return markup`<section aria-labelledby="unreadable">
    <h2 id="unreadable">Lines that could not be read</h2>
    ${unreadable.map(
      ({ reason, count: many, examples }) =>
        markup`<details>
          <summary>${plural(many, 'line')}: ${reason}</summary>
          ${examples.map(
            ({ file, lineNumber, text }) =>
              markup`<p class="quiet">${file}:${lineNumber}</p>
                <pre class="line" tabindex="0">${shortened(text, 600)}</pre>`,
          )}
        </details>`,
    )}
  </section>`;
}
