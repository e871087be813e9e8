/** Numbers and instants of the report's sentences. */
export { lengthText as lengthOf } from './waterfall/printable.ts';

/** `1,234,567`. */
export function count(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** `43 %`, `0.7 %`, `<0.1 %`. */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return '<0.1 %';
  return `${value >= 9.95 || value === 0 ? Math.round(value) : value.toFixed(1)} %`;
}

/** `18:00.674` of microseconds in the hour; with `resolutionUs` 1 to the microsecond. */
export function stampText(us: number, resolutionUs = 1000): string {
  const seconds = Math.floor(us / 1_000_000);
  const fraction = String(us % 1_000_000).padStart(6, '0');
  const clock = [Math.floor(seconds / 60), seconds % 60].map((each) => String(each).padStart(2, '0'));
  return `${clock.join(':')}.${resolutionUs === 1 ? fraction : fraction.slice(0, 3)}`;
}

/** `24 KiB`, `512 B`. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${Number((bytes / 1024).toFixed(1))} KiB`;
  return `${Number((bytes / 1024 / 1024).toFixed(1))} MiB`;
}

/** Istio's `outbound|9000||shop.default.svc.cluster.local` as `shop.default.svc.cluster.local:9000`; other names as they are. */
export function clusterText(name: string): string {
  const [, port, subset, host] = /^(?:outbound|inbound)\|(\d*)\|([^|]*)\|([^|]*)$/.exec(name) ?? [];
  if (port === undefined || host === undefined) return name === '-' ? 'the upstream' : name;
  return `${host === '' ? 'the local service' : host}:${port}${subset === '' ? '' : ` (${subset})`}`;
}
