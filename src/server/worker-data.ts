/**
 * What a worker is started with, as it passes the thread boundary. Shared memory goes by reference; the listeners' configuration
 * goes as text, because a structured clone would turn the Buffers in it into plain arrays of bytes.
 */
import type { Listener } from '../api/envoy.ts';
import type { WorkerOptions } from '../api/server.ts';
import { decodeEntry, encodeEntry } from './entry-text.ts';
import type { EntryText } from './entry-text.ts';

type WorkerData = Omit<WorkerOptions, 'listeners'> & { readonly listenerText: EntryText };

export function encodeWorkerData({ listeners, ...options }: WorkerOptions): WorkerData {
  return { ...options, listenerText: encodeEntry(listeners) };
}

export function decodeWorkerData(data: unknown): WorkerOptions {
  const { listenerText, ...options } = data as WorkerData;
  return { ...options, listeners: decodeEntry(listenerText) as readonly Listener[] };
}
