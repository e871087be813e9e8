/**
 * What the admin's HTML pages share: the frame, the fields of a form, escaping. A page is one file without scripts or anything from
 * elsewhere, so it works through a port forward and under the strictest policy.
 */
import type { EndpointParameter } from './endpoint.ts';

/** What stands in front of and behind the content of `<main>`; `header` is HTML. */
export function frameOf(title: string, header: string): readonly [before: string, behind: string] {
  return [
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>${header}</header>
<main>
`,
    '</main>\n</body>\n</html>\n',
  ];
}

/** `given`: what the page was asked with. */
export function formFields(
  target: string,
  parameters: readonly EndpointParameter[],
  given: URLSearchParams = new URLSearchParams(),
): string {
  return parameters.map((parameter) => field(target, parameter, given.get(parameter.name))).join('');
}

function field(target: string, { name, description, kind }: EndpointParameter, given: string | null): string {
  const id = `${target}-${name}`;
  const label = `<label for="${id}" title="${escapeHtml(description)}">${escapeHtml(name)}</label>`;
  if (kind === 'flag') {
    const checked = given === null ? '' : ' checked';
    return `<span><input type="checkbox" id="${id}" name="${name}" value="1"${checked}>${label}</span>`;
  }
  if (kind === 'text') {
    const value = given === null || given === '' ? '' : ` value="${escapeHtml(given)}"`;
    return `<span>${label}<input id="${id}" name="${name}" placeholder="${escapeHtml(description)}"${value}></span>`;
  }
  const options = kind.map(
    (value) => `<option${value === given ? ' selected' : ''}>${escapeHtml(value)}</option>`,
  );
  return `<span>${label}<select id="${id}" name="${name}">${options.join('')}</select></span>`;
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const STYLE = `
:root{color-scheme:light dark;--line:light-dark(#d9dee5,#30363f);--soft:light-dark(#5a6573,#9aa5b1);--back:light-dark(#f6f8fa,#14181d);--card:light-dark(#fff,#1b2026);--accent:light-dark(#0b6bcb,#6cb6ff);--warn:light-dark(#b3420e,#ff9a5c)}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,sans-serif;background:var(--back)}
header{padding:1.5rem max(1.5rem,calc(50vw - 36rem)) 1rem;border-bottom:1px solid var(--line);background:var(--card)}
h1{margin:0;font-size:1.5rem}h1 small{font-weight:400;color:var(--soft)}
h2{margin:1.5rem 0 .5rem;font-size:.8rem;text-transform:uppercase;letter-spacing:.08em;color:var(--soft)}
header p{margin:.25rem 0 0;color:var(--soft)}
main{max-width:72rem;margin:0 auto;padding:0 1.5rem 3rem;display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:0 2rem}
article{display:grid;gap:.15rem;padding:.6rem .9rem;margin-bottom:.5rem;background:var(--card);border:1px solid var(--line);border-radius:.5rem}
article>span{color:var(--soft);font-size:.87rem}
a{color:var(--accent);text-decoration:none;justify-self:start}a:hover{text-decoration:underline}
code{font:600 .9rem ui-monospace,monospace}header code{font-weight:400}
form{display:flex;flex-wrap:wrap;gap:.4rem .9rem;align-items:center;margin-top:.35rem;font-size:.85rem}
form span{display:inline-flex;align-items:center;gap:.35rem}
input:not([type=checkbox]),select{font:inherit;padding:.15rem .4rem;width:10rem;border:1px solid var(--line);border-radius:.3rem;background:transparent;color:inherit}
button{font:600 .8rem system-ui;padding:.25rem .8rem;border-radius:.3rem;border:1px solid currentColor;background:transparent;cursor:pointer;margin-left:auto}
.look{color:var(--accent)}.change{color:var(--warn)}
.state{font-weight:700}.live{color:light-dark(#18794e,#3fcf8e)}.other{color:var(--warn)}
.wide{grid-column:1/-1;overflow-x:auto}pre{margin:0;font:.85rem/1.5 ui-monospace,monospace}
`;
