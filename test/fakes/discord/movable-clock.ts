import type { Clock } from "../../../src/core/clock.ts";
import { systemClock } from "../../../src/system-clock.ts";

/** The real time, and as much more as a test lets pass. */
export class MovableClock implements Clock {
  #aheadMs = 0;
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();

  now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }

  elapsedMs(): number {
    return performance.now() + this.#aheadMs;
  }

  /** How many are asleep right now. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
    for (const sleeper of this.#sleepers) {
      if (sleeper.untilMs > this.now().getTime()) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const early = new AbortController();
    const untilMs = this.now().getTime() + ms;
    const sleeper = { untilMs, wake: () => early.abort() };
    this.#sleepers.add(sleeper);
    const signals = signal === undefined ? [early.signal] : [early.signal, signal];
    await systemClock.sleep(ms, AbortSignal.any(signals));
    this.#sleepers.delete(sleeper);
  }
}
