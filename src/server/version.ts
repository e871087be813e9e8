/** What this is: `nodeproxy --version`, `/server_info`, the first log line. The number is package.json's, read once. */
import { createRequire } from 'node:module';

const manifest = createRequire(import.meta.url)('../../package.json') as {
  readonly name: string;
  readonly version: string;
};

export const VERSION = manifest.version;

/** `nodeproxy/0.1.0/node-26.10.0/linux-x64`. */
export function versionText(): string {
  return `${manifest.name}/${VERSION}/node-${process.versions.node}/${process.platform}-${process.arch}`;
}
