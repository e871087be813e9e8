/**
 * The plug-ins that this build has, by kind. A configuration names one by its message type; adding a plug-in is adding its folder
 * and a line here. Nothing in front of this folder on the import ladder knows any of them.
 */
import type { HttpFilterFactory } from '../api/http.ts';
import type { NetworkFilterFactory } from '../api/network.ts';

export const HTTP_FILTERS: readonly HttpFilterFactory[] = [];

export const NETWORK_FILTERS: readonly NetworkFilterFactory[] = [];
