/**
 * Readiness from our epoll instance, handled in turns of the thread's dispatcher.
 *
 * Sockets are registered once, edge triggered, for both directions: no `epoll_ctl` on the byte path. Each has a token, its
 * place in a table; the generation in the token's upper bits tells an event of a closed descriptor from one of its successor.
 *
 *   libuv: epoll fd readable -> immediate -> poll(): [ turn: wait, reads, callbacks ] x a bounded number -> back to libuv
 */
import { EPOLLEXCLUSIVE, EPOLLET, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../os/constants.ts';
import { Epoll, watchInLoop } from '../os/epoll.ts';
import { ENOSPC } from '../os/errno.ts';
import type { TurnDispatcher } from './turn-dispatcher.ts';

export interface EventHandler {
  /**
   * What epoll says, told to all of a batch before any is handled: so a pool that is about to hand out a connection knows of the
   * FIN whose turn comes later in the same batch. Must not call anyone.
   */
  noteEvents(events: number): void;
  /** Reads what is there, in front of all callbacks of the batch. Must not call anyone. */
  readAhead(): void;
  /** Acts on what was noted and read. */
  handleEvents(): void;
}

/** The memory that a turn's reads use up. */
export interface TurnMemory {
  /** There is room for the reads of sockets whose callbacks come later. */
  readonly roomy: boolean;
  /** It is nearly used up: the turn should end. */
  readonly crowded: boolean;
}

/** Turns in one visit from libuv: enough to stay off its loop under load, few enough that timers and ports get theirs. */
const TURNS_PER_POLL = 4;
/** Table index in the low bits of a token; the rest is the generation. */
const INDEX_BITS = 20;
const INDEX_MASK = (1 << INDEX_BITS) - 1;
const GENERATION_MASK = (1 << (31 - INDEX_BITS)) - 1;

export class EpollSource {
  readonly #dispatcher: TurnDispatcher;
  readonly #epoll = new Epoll();
  readonly #handlers: (EventHandler | null)[] = [];
  readonly #generations: number[] = [];
  readonly #freeIndexes: number[] = [];
  readonly #stopWatching: () => void;
  readonly #memory: TurnMemory;

  constructor(dispatcher: TurnDispatcher, memory: TurnMemory) {
    this.#dispatcher = dispatcher;
    this.#memory = memory;
    this.#stopWatching = watchInLoop(this.#epoll.fd, () => this.#poll());
  }

  /** Watches a stream socket; returns the token for `unwatch`, or `-errno` where there is no room for another watch. */
  watch(fd: number, handler: EventHandler): number {
    return this.#add(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, handler);
  }

  /**
   * As `watch` for a listening socket, level triggered. `shared`: other threads watch it too and the kernel wakes one of them.
   */
  watchListener(fd: number, shared: boolean, handler: EventHandler): number {
    return this.#add(fd, EPOLLIN | (shared ? EPOLLEXCLUSIVE : 0), handler);
  }

  /** Before the descriptor is closed. Events of it that are already taken are dropped. */
  unwatch(fd: number, token: number): void {
    this.#epoll.remove(fd);
    this.forget(token);
  }

  /** As `unwatch` for a descriptor whose close takes it out of the set by itself: saves the call. */
  forget(token: number): void {
    const index = token & INDEX_MASK;
    if (this.#token(index) !== token) return;
    this.#handlers[index] = null;
    this.#generations[index] = ((this.#generations[index] ?? 0) + 1) & GENERATION_MASK;
    this.#freeIndexes.push(index);
  }

  stop(): void {
    this.#stopWatching();
  }

  #poll(): void {
    for (let round = 0; round < TURNS_PER_POLL; round += 1) {
      const count = this.#epoll.wait();
      if (count === 0) return;
      this.#handle(count);
    }
  }

  #handle(count: number): void {
    for (let at = 0; at < count; at += 1) this.#handlerAt(at)?.noteEvents(this.#epoll.eventsAt(at));
    this.#dispatcher.begin();
    let read = 0;
    for (let at = 0; at < count; at += 1) {
      while (read < count && (read === at || this.#memory.roomy)) {
        this.#handlerAt(read)?.readAhead();
        read += 1;
      }
      this.#handlerAt(at)?.handleEvents();
      // What was read ahead lies in this turn's memory: the turn lasts until that is handled.
      if (read === at + 1 && this.#memory.crowded) {
        this.#dispatcher.end();
        this.#dispatcher.begin();
      }
    }
    this.#dispatcher.end();
  }

  /** Whose event of the batch it is; none where an earlier callback of the batch has closed it. */
  #handlerAt(at: number): EventHandler | null | undefined {
    const token = this.#epoll.tokenAt(at);
    const index = token & INDEX_MASK;
    return this.#token(index) === token ? this.#handlers[index] : null;
  }

  #add(fd: number, events: number, handler: EventHandler): number {
    const index = this.#freeIndexes.pop() ?? this.#handlers.length;
    // More than a million descriptors in one thread: the table is full as the kernel's can be.
    if (index > INDEX_MASK) return -ENOSPC;
    this.#handlers[index] = handler;
    this.#generations[index] ??= 0;
    const token = this.#token(index);
    const result = this.#epoll.add(fd, events, token);
    if (result === 0) return token;
    this.forget(token);
    return result;
  }

  #token(index: number): number {
    return ((this.#generations[index] ?? 0) << INDEX_BITS) | index;
  }
}
