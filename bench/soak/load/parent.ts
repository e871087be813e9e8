/** The other side of `SoakChild`: options from the argument, messages to and from the part, an end when the part has gone. */
import type { Message } from '../child.ts';

export function optionsOfParent(): unknown {
  process.once('disconnect', () => process.exit(0));
  return JSON.parse(process.argv[2] ?? '{}');
}

export function tellParent(message: Message & Readonly<Record<string, unknown>>): void {
  process.send?.(message);
}

export function onParent(listener: (message: Message) => void): void {
  process.on('message', (message) => listener(message as Message));
}
