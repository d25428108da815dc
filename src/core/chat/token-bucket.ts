import type { ChatPace } from "./chat-adapter.ts";

/**
 * How many calls may be made by now: `burst` after a quiet time, and one more every `refillMs`.
 * In any stretch of time W there are at most burst + W / refillMs calls.
 */
export class TokenBucket {
  pace: ChatPace;
  /** When it will be full again. That one number is its whole state. */
  #fullAtMs = Number.NEGATIVE_INFINITY;

  constructor(pace: ChatPace) {
    this.pace = pace;
  }

  /** When it holds `tokens`; never, when it is too small to. */
  readyAtMs(tokens: number): number {
    const { burst, refillMs } = this.pace;
    return tokens > burst ? Number.POSITIVE_INFINITY : this.#fullAtMs - (burst - tokens) * refillMs;
  }

  take(nowMs: number): void {
    // A call made in the millisecond it was due in is not late, or fractions would add up.
    const isInTime = nowMs - this.#fullAtMs < 1;
    this.#fullAtMs = (isInTime ? this.#fullAtMs : nowMs) + this.pace.refillMs;
  }

  /** Leaves no more than one token at that time. */
  drainUntil(atMs: number): void {
    const { burst, refillMs } = this.pace;
    this.#fullAtMs = Math.max(this.#fullAtMs, atMs + (burst - 1) * refillMs);
  }

  isFull(nowMs: number): boolean {
    return this.#fullAtMs <= nowMs;
  }
}
