/**
 * The questions that a request head must answer before filters see it, in Envoy's order (`envoy-reference.md` section 15):
 * version, host, path, normalisation of both. Null: the request may pass. Counts what it refuses.
 */
import type { HeaderMap } from '../api/http.ts';
import type { RequestCounters } from './http-stats.ts';
import { applyHostRules } from './host-rules.ts';
import { applyPathRules } from './path-rules.ts';
import type { HttpSettings } from './settings.ts';

export interface RequestRefusal {
  readonly status: number;
  readonly details: string;
  /** `location` of a redirect, '' = none. */
  readonly location: string;
}

const LOW_VERSION = refusal(426, 'low_version');
const MISSING_HOST = refusal(400, 'missing_host_header');
const MISSING_PATH = refusal(404, 'missing_path_rejected');
const ABSOLUTE_PATH = refusal(404, 'absolute_path_rejected');
const BAD_PATH = refusal(400, 'path_normalization_failed');

export interface RequestCheckContext {
  readonly settings: HttpSettings;
  readonly counters: RequestCounters;
  readonly protocol: string;
  readonly listenerPort: number;
}

export function checkRequest(headers: HeaderMap, context: RequestCheckContext): RequestRefusal | null {
  const { settings, counters } = context;
  if (context.protocol === 'HTTP/1.0') {
    if (!settings.acceptHttp10) return LOW_VERSION;
    if (headers.authority === '') headers.authority = settings.defaultHostForHttp10;
  }
  if (headers.authority === '') return MISSING_HOST;
  if (headers.method !== 'CONNECT' || headers.path !== '') {
    const refused = checkPath(headers, settings, counters);
    if (refused !== null) return refused;
  }
  applyHostRules(headers, settings, context.listenerPort);
  return null;
}

function checkPath(
  headers: HeaderMap,
  settings: HttpSettings,
  counters: RequestCounters,
): RequestRefusal | null {
  const { path } = headers;
  if (path === '') return MISSING_PATH;
  if (path.charCodeAt(0) !== 0x2f) {
    counters.nonRelativePath.inc();
    return ABSOLUTE_PATH;
  }
  if (path.includes('#')) return badPath(counters);
  if (!settings.normalizePath && !settings.mergeSlashes && settings.escapedSlashes === 'KEEP_UNCHANGED') {
    return null;
  }
  const verdict = applyPathRules(path, settings);
  if (verdict.kind === 'reject') return badPath(counters);
  if (verdict.kind === 'redirect') {
    counters.redirectedWithNormalizedPath.inc();
    return refusal(307, 'path_normalization_failed', verdict.path);
  }
  headers.path = verdict.path;
  return null;
}

function badPath(counters: RequestCounters): RequestRefusal {
  counters.failedPathNormalization.inc();
  return BAD_PATH;
}

function refusal(status: number, details: string, location = ''): RequestRefusal {
  return Object.freeze({ status, details, location });
}
