/**
 * The filter of two labs, as the ES module that the proxy loads: it spends as long on a request as that asks for, computing (it keeps
 * the thread) or waiting (it gives the thread back), at most its deadline.
 */
export const AUDIT_FILTER = [
  '// x-audit-ms: n  spends n ms on this request, by computing or by waiting.',
  'export default function audit({ work, deadline_ms: deadlineMs }) {',
  '  return {',
  '    onRequest(handle) {',
  '      const ms = Math.min(Number(handle.headers.get("x-audit-ms") ?? 0), deadlineMs);',
  '      if (ms === 0) return;',
  '      if (work === "wait") return new Promise((resolve) => setTimeout(resolve, ms));',
  '      const end = performance.now() + ms;',
  '      while (performance.now() < end);',
  '    },',
  '  };',
  '}',
  '',
].join('\n');

/** Its entry in `http_filters`. */
export function auditConfig(work: 'wait' | 'compute', deadlineMs: number): string {
  return `- name: audit
  typed_config:
    "@type": type.googleapis.com/nodeproxy.extensions.filters.http.javascript.v1.JavaScript
    module: audit.js
    config:
      work: ${work}
      deadline_ms: ${deadlineMs}`;
}
