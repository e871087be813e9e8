/**
 * Holds the network of a pod for those who join it (`network_mode: service:…`) and does nothing else, as Kubernetes' pause container.
 * Without it the client could not wait for a sidecar that lives in the client's own network.
 */
import { untilTold } from './until-told.ts';

console.log('pod is up');
// A signal's handler keeps no process alive, a timer does.
const held = setInterval(() => {}, 2 ** 31 - 1);
await untilTold();
clearInterval(held);
