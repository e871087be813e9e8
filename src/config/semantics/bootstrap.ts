/**
 * Checks of the whole: names and addresses that may occur once, runtime keys that something reads, and the modules of
 * `javascript` filters, whose paths become absolute here (the folder of the file is known only to the loader).
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { AddressConfig, Bootstrap, JavaScriptConfig } from '../../api/envoy.ts';
import type { Message } from '../message-reader.ts';
import { SUPPORTED_RUNTIME_KEYS } from '../supported.ts';
import type { CheckContext } from './context.ts';
import { checkBindAddress } from './listeners.ts';

export function checkBootstrap(bootstrap: Bootstrap, _path: string, context: CheckContext): void {
  const resources = bootstrap.static_resources ?? {};
  reportTwins(resources.listeners ?? [], 'static_resources.listeners', 'listener', context);
  reportTwins(resources.clusters ?? [], 'static_resources.clusters', 'cluster', context);
  const owners = new Map<string, string>();
  for (const [index, listener] of (resources.listeners ?? []).entries()) {
    const address = addressKey(listener.address);
    if (address === '') continue;
    const owner = owners.get(address);
    const at = `static_resources.listeners[${index}]`;
    if (owner !== undefined)
      context.report(listener, 'address', `${at}.address`, `${address} belongs to ${owner}`);
    owners.set(address, owner ?? at);
  }
  if (bootstrap.admin?.address !== undefined)
    checkBindAddress(bootstrap.admin.address, 'admin.address', context);
  checkRuntime(bootstrap, context);
}

function reportTwins(
  items: readonly { readonly name?: string }[],
  path: string,
  kind: string,
  context: CheckContext,
): void {
  const names = new Set<string>();
  for (const [index, item] of items.entries()) {
    const name = item.name ?? '';
    if (name !== '' && names.has(name)) {
      context.report(item, 'name', `${path}[${index}].name`, `there is another ${kind} called "${name}"`);
    }
    names.add(name);
  }
}

/** '' = none, or a port that the system picks. */
function addressKey(address: AddressConfig | undefined): string {
  const socket = address?.socket_address;
  if (socket !== undefined)
    return (socket.port_value ?? 0) === 0 ? '' : `${socket.address}:${socket.port_value}`;
  return address?.pipe?.path ?? '';
}

function checkRuntime(bootstrap: Bootstrap, context: CheckContext): void {
  for (const [index, layer] of (bootstrap.layered_runtime?.layers ?? []).entries()) {
    for (const key of runtimeKeys(layer.static_layer ?? {}, '')) {
      if (SUPPORTED_RUNTIME_KEYS.some((pattern) => matches(pattern, key))) continue;
      const at = `layered_runtime.layers[${index}].static_layer`;
      context.report(layer, 'static_layer', at, `runtime key "${key}" is not read by nodeproxy`);
    }
  }
}

/** A layer may nest: `{ overload: { global: 1 } }` is `overload.global`. */
function runtimeKeys(layer: Message, prefix: string): string[] {
  return Object.entries(layer).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null
      ? runtimeKeys(value as Message, `${prefix}${key}.`)
      : [prefix + key],
  );
}

function matches(pattern: string, key: string): boolean {
  const [before = '', after] = pattern.split('*');
  if (after === undefined) return key === pattern;
  return key.length > before.length + after.length && key.startsWith(before) && key.endsWith(after);
}

export function resolveModule(filter: JavaScriptConfig, path: string, context: CheckContext): void {
  const module = resolve(context.folder, filter.module ?? '');
  if ((filter.module ?? '') === '') return;
  if (!existsSync(module)) context.report(filter, 'module', `${path}.module`, `there is no file ${module}`);
  (filter as { module?: string }).module = module;
}
