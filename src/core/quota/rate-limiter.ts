import type { Clock } from "../clock.ts";

const KEYS_MAX = 50_000;

/** How fast something may happen, per key. */
export interface RateLimiter {
  /** Counts one event. Returns 0 when it is allowed, else the milliseconds until the next one is. */
  take(key: string, countMax: number, windowMs: number): number;
}

/**
 * Counts events of this process in sliding windows. Enough for questions of people: one process
 * owns a bot, so all of a person's messages there pass through it.
 */
export class MemoryRateLimiter implements RateLimiter {
  readonly #clock: Clock;
  readonly #times = new Map<string, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(key: string, countMax: number, windowMs: number): number {
    const nowMs = this.#clock.now().getTime();
    const recent = (this.#times.get(key) ?? []).filter((timeMs) => timeMs > nowMs - windowMs);
    const oldest = recent[0];
    const isAllowed = recent.length < countMax;
    if (isAllowed) recent.push(nowMs);
    this.#times.delete(key);
    this.#times.set(key, recent);
    this.#forgetOldest();
    return isAllowed || oldest === undefined ? 0 : oldest + windowMs - nowMs;
  }

  #forgetOldest(): void {
    if (this.#times.size <= KEYS_MAX) return;
    const first = this.#times.keys().next().value;
    if (first !== undefined) this.#times.delete(first);
  }
}
