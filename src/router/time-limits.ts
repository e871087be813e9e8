/**
 * The time limits of a request: from the route, then from control headers. A per-try limit that is not below the route's has
 * no work to do and is dropped, as in Envoy.
 */
import type { ControlHeaders } from './control-headers.ts';
import type { TimeLimits } from './route.ts';

export function limitsOf(routeMs: number, perTryMs: number, perTryIdleMs: number): TimeLimits {
  return { routeMs, perTryMs: routeMs > 0 && perTryMs >= routeMs ? 0 : perTryMs, perTryIdleMs };
}

export function limitsFor(
  configured: TimeLimits,
  control: ControlHeaders | null,
  respectExpected: boolean,
): TimeLimits {
  if (control === null) return configured;
  const expected = respectExpected ? control.expectedTimeoutMs : -1;
  const asked = expected === -1 ? control.timeoutMs : expected;
  const perTry = control.perTryTimeoutMs;
  if (asked === -1 && perTry === -1) return configured;
  return limitsOf(
    asked === -1 ? configured.routeMs : asked,
    perTry === -1 ? configured.perTryMs : perTry,
    configured.perTryIdleMs,
  );
}
