/**
 * Response flags: why a stream ended as it did, in Envoy's short and long names and in Envoy's order of printing.
 *
 * A stream keeps them as bits of one integer (30 flags fit a small integer), so raising one allocates nothing; the texts of
 * the combinations seen are remembered, of which a proxy meets a handful.
 * Source: `envoy-reference.md`, section 1.
 */
import type { ResponseFlag } from '../api/observe.ts';

/** Short and long name; the index is the bit. */
const TABLE: readonly (readonly [ResponseFlag, string])[] = [
  ['UH', 'NoHealthyUpstream'],
  ['UF', 'UpstreamConnectionFailure'],
  ['UO', 'UpstreamOverflow'],
  ['NR', 'NoRouteFound'],
  ['URX', 'UpstreamRetryLimitExceeded'],
  ['NC', 'NoClusterFound'],
  ['DT', 'DurationTimeout'],
  ['DC', 'DownstreamConnectionTermination'],
  ['LH', 'FailedLocalHealthCheck'],
  ['UT', 'UpstreamRequestTimeout'],
  ['LR', 'LocalReset'],
  ['UR', 'UpstreamRemoteReset'],
  ['UC', 'UpstreamConnectionTermination'],
  ['DI', 'DelayInjected'],
  ['FI', 'FaultInjected'],
  ['RL', 'RateLimited'],
  ['UAEX', 'UnauthorizedExternalService'],
  ['RLSE', 'RateLimitServiceError'],
  ['IH', 'InvalidEnvoyRequestHeaders'],
  ['SI', 'StreamIdleTimeout'],
  ['DPE', 'DownstreamProtocolError'],
  ['UPE', 'UpstreamProtocolError'],
  ['UMSDR', 'UpstreamMaxStreamDurationReached'],
  ['RFCF', 'ResponseFromCacheFilter'],
  ['NFCF', 'NoFilterConfigFound'],
  ['OM', 'OverloadManagerTerminated'],
  ['DF', 'DnsResolutionFailed'],
  ['DO', 'DropOverload'],
  ['UDO', 'UnconditionalDropOverload'],
  ['DR', 'DownstreamRemoteReset'],
];

const BITS = new Map<string, number>(TABLE.map(([short], index) => [short, 1 << index]));

/** The texts of as many combinations are kept; far more than a proxy ever meets. */
const MAX_REMEMBERED = 256;
const shortTexts = new Map<number, string>();
const longTexts = new Map<number, string>();

/** 0: no such flag. */
export function flagBit(flag: string): number {
  return BITS.get(flag) ?? 0;
}

export function flagsOf(bits: number): ResponseFlag[] {
  return TABLE.filter((_, index) => (bits & (1 << index)) !== 0).map(([short]) => short);
}

/** `UF,URX`; null when none is set. */
export function flagsText(bits: number): string | null {
  return bits === 0 ? null : remembered(shortTexts, bits, 0);
}

/** `UpstreamConnectionFailure,UpstreamRetryLimitExceeded`; null when none is set. */
export function longFlagsText(bits: number): string | null {
  return bits === 0 ? null : remembered(longTexts, bits, 1);
}

function remembered(texts: Map<number, string>, bits: number, column: 0 | 1): string {
  const known = texts.get(bits);
  if (known !== undefined) return known;
  const text = TABLE.filter((_, index) => (bits & (1 << index)) !== 0)
    .map((names) => names[column])
    .join(',');
  if (texts.size < MAX_REMEMBERED) texts.set(bits, text);
  return text;
}
