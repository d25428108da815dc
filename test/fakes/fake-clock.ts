import type { Clock } from "../../src/core/clock.ts";

interface Sleeper {
  atMs: number;
  readonly wake: () => void;
}

/**
 * A clock that stands still until it is told. With `autoAdvance` it jumps to the next sleeper by
 * itself as soon as nothing else is going on, so that minutes pass in milliseconds.
 */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #autoAdvance: boolean;
  /** By when they wake, then by when they went to sleep. */
  readonly #sleepers: Sleeper[] = [];
  #isRunning = false;
  #jumpedMs = 0;

  constructor(options: { readonly start?: Date; readonly autoAdvance?: boolean } = {}) {
    this.#nowMs = (options.start ?? new Date("2026-01-01T00:00:00Z")).getTime();
    this.#autoAdvance = options.autoAdvance ?? false;
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  elapsedMs(): number {
    return this.#nowMs - this.#jumpedMs;
  }

  /** How many are asleep right now. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      const sleeper = { atMs: this.#nowMs + Math.max(0, ms), wake };
      const abort = () => {
        const index = this.#sleepers.indexOf(sleeper);
        if (index !== -1) this.#sleepers.splice(index, 1);
        wake();
      };
      signal?.addEventListener("abort", abort);
      const place = this.#sleepers.findLastIndex((other) => other.atMs <= sleeper.atMs);
      this.#sleepers.splice(place + 1, 0, sleeper);
      if (this.#autoAdvance) void this.#run();
    });
  }

  /** Lets so much time pass: wakes sleepers in order and lets each finish what it then does. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await this.settle();
    for (let next = this.#sleepers[0]; next && next.atMs <= endMs; next = this.#sleepers[0]) {
      await this.#wake(next);
    }
    this.#nowMs = endMs;
  }

  /** Sets the wall clock, as an operator might: nobody wakes, sleepers keep their remaining time. */
  jumpTo(date: Date): void {
    const shiftMs = date.getTime() - this.#nowMs;
    this.#nowMs += shiftMs;
    this.#jumpedMs += shiftMs;
    for (const sleeper of this.#sleepers) sleeper.atMs += shiftMs;
  }

  /** Lets everything happen that waits for no time to pass. */
  async settle(): Promise<void> {
    // Each turn of the event loop runs all promise chains to their end; some hop over a turn.
    for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    await this.settle();
    for (let next = this.#sleepers[0]; next; next = this.#sleepers[0]) await this.#wake(next);
    this.#isRunning = false;
  }

  async #wake(sleeper: Sleeper): Promise<void> {
    this.#sleepers.shift();
    this.#nowMs = Math.max(this.#nowMs, sleeper.atMs);
    sleeper.wake();
    await this.settle();
  }
}
