import type { ChatPace } from "../../src/core/chat/chat-adapter.ts";

/** A platform's count of calls, written apart from ours so that it can contradict it. */
export class FakeBucket {
  readonly #pace: ChatPace;
  #tokens: number;
  #atMs = Number.NEGATIVE_INFINITY;

  constructor(pace: ChatPace) {
    this.#pace = pace;
    this.#tokens = pace.burst;
  }

  /** Takes a token; without one it returns how long to wait and takes nothing. */
  take(nowMs: number): number {
    const { burst, refillMs } = this.#pace;
    const gained = (nowMs - this.#atMs) / refillMs;
    this.#tokens = Math.min(burst, this.#tokens + gained);
    this.#atMs = nowMs;
    // A hair's breadth of slack: thirds do not add up to exactly one.
    if (this.#tokens < 1 - 1e-6) return Math.ceil((1 - this.#tokens) * refillMs);
    this.#tokens -= 1;
    return 0;
  }
}
