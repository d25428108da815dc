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
  #isStopped = false;
  /** When bytes came that the running timer does not know of; `null` when there were none. */
  #tickedAtMs: number | null = null;
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

  /** Bytes came. Only noted, for they come thousands of times a second: the timer looks when it is over. */
  tick(): void {
    if (this.#isAnswering) {
      this.#tickedAtMs = performance.now();
    } else if (!this.#isStopped) {
      this.#isAnswering = true;
      this.waitAtMost(this.#timeouts.betweenChunksMs);
    }
  }

  /** From now on the next bytes must come within so long. */
  waitAtMost(ms: number): void {
    if (this.#isStopped) return;
    this.#tickedAtMs = null;
    this.#wait(ms, ms);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#whole);
    clearTimeout(this.#phase);
  }

  #wait(ms: number, allowedMs: number): void {
    clearTimeout(this.#phase);
    this.#phase = setTimeout(() => {
      const tickedAtMs = this.#tickedAtMs;
      this.#tickedAtMs = null;
      const leftMs = tickedAtMs === null ? 0 : tickedAtMs + allowedMs - performance.now();
      if (leftMs > 0) this.#wait(leftMs, allowedMs);
      else this.#expire("chunk_timeout");
    }, ms);
  }

  #expire(clock: ExpiredClock): void {
    this.stop();
    this.#expired = clock;
    this.#onExpired();
  }
}
