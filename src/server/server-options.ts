/**
 * What the process was asked to be: the command line's answers, checked, with Envoy's defaults. Made by `cli/run.ts`, read by the
 * server, shown by `/server_info`.
 */
import type { Bootstrap } from '../api/envoy.ts';
import type { LogFormat, LogLevel } from '../base/logger.ts';

export const DEFAULT_CONCURRENCY = 2;
/** Envoy's; the time in which connections are to go. Also the longest that SIGTERM waits for requests in flight. */
export const DEFAULT_DRAIN_TIME_MS = 600_000;
export const DEFAULT_PARENT_SHUTDOWN_MS = 900_000;
export const DEFAULT_FILE_FLUSH_MS = 10_000;

export interface ServerOptions {
  readonly bootstrap: Bootstrap;
  /** As given; '' = none. */
  readonly configPath: string;
  readonly configYaml: string;
  readonly concurrency: number;
  readonly socketInterface: 'auto' | 'syscall' | 'portable';
  readonly logLevel: LogLevel;
  readonly componentLevels: Readonly<Record<string, LogLevel>>;
  readonly logFormat: LogFormat;
  readonly logPath?: string;
  readonly drainTimeMs: number;
  readonly drainStrategy: 'gradual' | 'immediate';
  readonly parentShutdownMs: number;
  readonly fileFlushIntervalMs: number;
  /** The admin's address is written there, for whoever started us with port 0. */
  readonly adminAddressPath?: string;
  readonly baseId: number;
  /** Over the bootstrap's `node`. */
  readonly serviceNode: string;
  readonly serviceCluster: string;
  /** Called once, when all workers accept. */
  readonly onLive?: (running: RunningServer) => void;
}

/** What a caller may see of a live server. */
export interface RunningServer {
  readonly listeners: readonly { readonly name: string; readonly address: string; readonly port: number }[];
  /** `127.0.0.1:9901`; '' without admin. */
  readonly adminAddress: string;
  readonly socketInterface: 'syscall' | 'portable';
  readonly threads: readonly { readonly name: string; readonly tid: number }[];
}

/** The options in `/server_info`'s form: proto JSON, defaults that Envoy leaves out left out. */
export function commandLineOptions(options: ServerOptions): Record<string, unknown> {
  const shown: Record<string, unknown> = {
    base_id: String(options.baseId),
    concurrency: options.concurrency,
    config_path: options.configPath,
    config_yaml: options.configYaml,
    admin_address_path: options.adminAddressPath,
    log_level: options.logLevel,
    component_log_level: levelText(options.componentLevels),
    log_format: options.logFormat,
    log_path: options.logPath,
    service_cluster: options.serviceCluster,
    service_node: options.serviceNode,
    drain_time: seconds(options.drainTimeMs),
    parent_shutdown_time: seconds(options.parentShutdownMs),
    drain_strategy: options.drainStrategy === 'immediate' ? 'Immediate' : 'Gradual',
    file_flush_interval: seconds(options.fileFlushIntervalMs),
    socket_interface: options.socketInterface,
  };
  return Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined && value !== ''));
}

function levelText(levels: Readonly<Record<string, string>>): string {
  return Object.entries(levels)
    .map(([name, level]) => `${name}:${level}`)
    .join(',');
}

function seconds(ms: number): string {
  return `${ms / 1000}s`;
}
