export const seen: unknown[];
export default function (config: Record<string, unknown>): unknown;
