/** An `AdminContext` of plain values that records what it is asked to do, with real merged statistics behind it. */
import type {
  AdminContext,
  ClusterStatus,
  ConfigDumpSection,
  ListenerStatus,
  ServerState,
} from '../../src/api/admin.ts';
import { MergedStats } from '../../src/observe/stats/merged-stats.ts';
import { SlabStats } from '../../src/observe/stats/slab-stats.ts';

const THRESHOLDS = { maxConnections: 1024, maxPendingRequests: 1025, maxRequests: 1026, maxRetries: 3 };
const ANY = 'type.googleapis.com/envoy.admin.v3.';

export const ECHO: ClusterStatus = {
  name: 'echo',
  observabilityName: 'echo_alt',
  addedViaApi: false,
  edsServiceName: '',
  defaultPriority: THRESHOLDS,
  highPriority: { ...THRESHOLDS, maxConnections: 7 },
  hosts: [
    {
      address: { kind: 'ip', ip: '127.0.0.1', port: 9000, family: 4 },
      stats: {
        cxActive: 1,
        cxConnectFail: 2,
        cxTotal: 3,
        rqActive: 0,
        rqError: 5,
        rqSuccess: 6,
        rqTimeout: 7,
        rqTotal: 8,
      },
      hostname: 'echo.local',
      healthFlags: '/failed_active_hc/failed_outlier_check',
      weight: 1,
      region: '',
      zone: 'z1',
      subZone: '',
      canary: false,
      priority: 0,
      successRate: -1,
      localOriginSuccessRate: -1,
    },
  ],
};

const CONFIGS: readonly ConfigDumpSection[] = [
  { '@type': `${ANY}BootstrapConfigDump`, bootstrap: { node: { id: 'n' }, admin: {} }, last_updated: 'now' },
  {
    '@type': `${ANY}ClustersConfigDump`,
    static_clusters: [
      { cluster: { name: 'echo', connect_timeout: '1s' }, last_updated: 'now' },
      { cluster: { name: 'other', connect_timeout: '2s' } },
    ],
  },
  { '@type': `${ANY}ListenersConfigDump`, static_listeners: [{ listener: { name: 'in' } }] },
];

export class FakeContext implements AdminContext {
  readonly stats = new MergedStats();
  readonly worker: SlabStats;
  readonly calls: string[] = [];
  readonly logLevelNames = ['trace', 'debug', 'info', 'off'];
  serverState: ServerState = 'LIVE';
  failing: Error | null = null;
  listenerList: ListenerStatus[] = [
    { name: 'in', address: { kind: 'ip', ip: '::1', port: 8080, family: 6 }, additionalAddresses: [] },
    { name: 'pipe', address: { kind: 'pipe', path: '/run/x' }, additionalAddresses: [] },
  ];
  #levels: Record<string, string> = { main: 'info', http: 'info' };

  constructor() {
    this.worker = new SlabStats({ announce: (message) => this.stats.adopt('worker_0', message) });
  }

  state(): ServerState {
    return this.serverState;
  }

  serverInfo() {
    return {
      version: '<nodeproxy>/0.1.0',
      state: this.serverState,
      uptimeMs: 6999,
      uptimeAllEpochsMs: 61_000,
      hotRestartVersion: 'disabled',
      commandLineOptions: { concurrency: 2, drain_time: '600s' },
      node: { id: 'n', cluster: 'c' },
    };
  }

  resetCounters(): void {
    this.calls.push('resetCounters');
    this.stats.resetCounters();
  }

  configDump(): readonly ConfigDumpSection[] {
    return CONFIGS;
  }

  async clusters(): Promise<readonly ClusterStatus[]> {
    if (this.failing !== null) throw this.failing;
    return [ECHO];
  }

  listeners(): readonly ListenerStatus[] {
    return this.listenerList;
  }

  async memory() {
    const thread = { heapUsed: 10, heapTotal: 30, external: 5 };
    return {
      rss: 1000,
      threads: [
        { name: 'main_thread', ...thread },
        { name: 'worker_0', ...thread },
      ],
    };
  }

  logLevels(): Readonly<Record<string, string>> {
    return this.#levels;
  }

  async setLogLevels(levels: Readonly<Record<string, string>>): Promise<void> {
    this.#levels = { ...this.#levels, ...levels };
    this.calls.push(`setLogLevels ${JSON.stringify(levels)}`);
  }

  async reopenLogs(): Promise<void> {
    this.calls.push('reopenLogs');
  }

  quit(): void {
    this.calls.push('quit');
  }

  async drainListeners(options: { readonly graceful: boolean; readonly skipExit: boolean }): Promise<void> {
    this.calls.push(`drainListeners ${JSON.stringify(options)}`);
  }

  setHealthcheck(result: 'ok' | 'fail'): void {
    this.calls.push(`healthcheck ${result}`);
  }

  async threads() {
    const thread = { state: 'running', restarts: 0 } as const;
    return [
      { name: 'main_thread', role: 'main', tid: 41, busy: 0.015, turns: 9, connections: 0, ...thread },
      { name: 'worker_0', role: 'worker', tid: 42, busy: 0.5, turns: 1234, connections: 3, ...thread },
    ] as const;
  }

  async pools() {
    const counts = { active: 1, idle: 2, connecting: 0, pending: 4 };
    return [{ worker: 'worker_0', cluster: 'echo', host: '127.0.0.1:9000', protocol: 'HTTP/1.1', ...counts }];
  }

  async dispatchers() {
    const turn = { turnP50Ms: 0.25, turnP99Ms: 3 };
    return [
      { name: 'main_thread', turns: 9, lagP50Ms: Number.NaN, lagP99Ms: Number.NaN, ...turn },
      { name: 'worker_0', turns: 1234, lagP50Ms: 0.125, lagP99Ms: 2.5, ...turn },
    ];
  }
}
