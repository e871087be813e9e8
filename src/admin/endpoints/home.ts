/** `/`: the home page: every endpoint with its parameters, links for what reads and forms for what changes. */
import type { AdminRequest, Endpoint } from '../endpoint.ts';
import { htmlReply } from '../endpoint.ts';
import { escapeHtml, formFields, frameOf } from '../html.ts';

export const home: Endpoint = {
  path: '/',
  help: 'Admin home page',
  mutates: false,
  handle: (request) => htmlReply(page(request)),
};

function page({ context, endpoints }: AdminRequest): string {
  const state = context.state();
  const { version } = context.serverInfo();
  const sorted = endpoints.filter(({ path }) => path !== '/').sort((a, b) => (a.path < b.path ? -1 : 1));
  const [before, behind] = frameOf(
    'nodeproxy admin',
    `<h1>nodeproxy <small>admin</small></h1><p><span class="state ${state === 'LIVE' ? 'live' : 'other'}">${escapeHtml(state)}</span> <code>${escapeHtml(version)}</code></p>`,
  );
  return `${before}<section><h2>Look</h2>${sorted
    .filter(({ mutates }) => !mutates)
    .map(card)
    .join('\n')}</section>
<section><h2>Change</h2>${sorted
    .filter(({ mutates }) => mutates)
    .map(card)
    .join('\n')}</section>
${behind}`;
}

function card(endpoint: Endpoint): string {
  const { path, help, mutates, parameters = [] } = endpoint;
  const target = escapeHtml(path.slice(1));
  const fields = formFields(target, parameters);
  const title = mutates
    ? `<code>${escapeHtml(path)}</code>`
    : `<a href="${target}"><code>${escapeHtml(path)}</code></a>`;
  const form =
    mutates || fields !== ''
      ? `<form action="${target}" method="${mutates ? 'post' : 'get'}">${fields}<button class="${mutates ? 'change' : 'look'}">${mutates ? 'POST' : 'Open'}</button></form>`
      : '';
  return `<article>${title}<span>${escapeHtml(help)}</span>${form}</article>`;
}
