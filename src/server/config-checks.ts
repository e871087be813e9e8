/**
 * What the loader asks other parts about texts that are theirs: formats of access logs and headers, whole route tables. With it a
 * file is refused at load for what would otherwise fail in a worker, at the first request.
 */
import type { Checks } from '../config/semantics/context.ts';
import { compileTextFormat } from '../observe/format/text-format.ts';
import { compileHeaderFormat } from '../router/header-format.ts';
import { compileHeaderMutation } from '../router/header-mutation.ts';
import { checkRouteTable } from '../router/route-table.ts';

export const CONFIG_CHECKS: Checks = {
  accessLogFormat: (format) => problemOf(() => compileTextFormat(format)),
  headerFormat: (format) => problemOf(() => compileHeaderFormat(format)),
  addedHeaders: (headers) => problemOf(() => compileHeaderMutation(headers, [], () => () => '')),
  routeConfiguration: (config) => problemOf(() => checkRouteTable(config)),
};

function problemOf(attempt: () => unknown): string | null {
  try {
    attempt();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
