/** `/server_info`: version, state, uptimes, command line and node; always JSON (Envoy's `ServerInfo`). */
import type { Endpoint } from '../endpoint.ts';
import { jsonReply } from '../endpoint.ts';

export const serverInfo: Endpoint = {
  path: '/server_info',
  help: 'print server version/status information',
  mutates: false,
  handle({ context }) {
    const info = context.serverInfo();
    return jsonReply({
      version: info.version,
      state: info.state,
      uptime_current_epoch: wholeSeconds(info.uptimeMs),
      uptime_all_epochs: wholeSeconds(info.uptimeAllEpochsMs),
      hot_restart_version: info.hotRestartVersion,
      command_line_options: info.commandLineOptions,
      node: info.node,
    });
  },
};

function wholeSeconds(ms: number): string {
  return `${Math.floor(ms / 1000)}s`;
}
