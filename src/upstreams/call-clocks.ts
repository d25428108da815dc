import type { UpstreamTimeouts } from "../core/upstream/upstream-registry.ts";

/** Which clock ran out. */
export type ExpiredClock = "first_byte_timeout" | "chunk_timeout" | "whole_timeout";

/** The three clocks of one call. Each of their timers is gone after `stop`. */
export class CallClocks {
  readonly #timeouts: UpstreamTimeouts;
  readonly #onExpired: () => void;
  readonly #whole: NodeJS.Timeout;
  #phase: NodeJS.Timeout;
  #isAnswering = false;
  #expired: ExpiredClock | null = null;

  /** `onExpired` is called at most once. */
  constructor(timeouts: UpstreamTimeouts, onExpired: () => void) {
    this.#timeouts = timeouts;
    this.#onExpired = onExpired;
    this.#whole = setTimeout(() => this.#expire("whole_timeout"), timeouts.wholeMs);
    this.#phase = setTimeout(() => this.#expire("first_byte_timeout"), timeouts.firstByteMs);
  }

  get expired(): ExpiredClock | null {
    return this.#expired;
  }

  /** Bytes came. */
  tick(): void {
    if (this.#isAnswering) {
      this.#phase.refresh();
    } else if (this.#expired === null) {
      this.#isAnswering = true;
      this.waitAtMost(this.#timeouts.betweenChunksMs);
    }
  }

  /** From now on the next bytes must come within so long. */
  waitAtMost(ms: number): void {
    clearTimeout(this.#phase);
    this.#phase = setTimeout(() => this.#expire("chunk_timeout"), ms);
  }

  stop(): void {
    clearTimeout(this.#whole);
    clearTimeout(this.#phase);
  }

  #expire(clock: ExpiredClock): void {
    this.stop();
    this.#expired = clock;
    this.#onExpired();
  }
}
