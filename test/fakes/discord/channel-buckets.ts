import type { ServerResponse } from "node:http";

const LIMIT = 5;
const WINDOW_MS = 5_000;

interface Window {
  used: number;
  readonly endsAtMs: number;
}

/** Five messages or edits in five seconds a channel, with the headers by which Discord says so. */
export class ChannelBuckets {
  readonly #now: () => number;
  readonly #windowMs: number;
  readonly #windows = new Map<string, Window>();

  /** A shorter window is the same at a faster clock. */
  constructor(now: () => number, windowMs = WINDOW_MS) {
    this.#now = now;
    this.#windowMs = windowMs;
  }

  /** Writes the headers; `null` when the call may go on, else the seconds to wait. */
  take(bucket: string, channel: string, response: ServerResponse): number | null {
    const key = `${bucket}:${channel}`;
    const nowMs = this.#now();
    let window = this.#windows.get(key);
    if (window === undefined || window.endsAtMs <= nowMs) {
      window = { used: 0, endsAtMs: nowMs + this.#windowMs };
      this.#windows.set(key, window);
    }
    const isOver = window.used >= LIMIT;
    if (!isOver) window.used += 1;
    const resetAfter = (window.endsAtMs - nowMs) / 1000;
    response.setHeader("X-RateLimit-Limit", String(LIMIT));
    response.setHeader("X-RateLimit-Remaining", String(LIMIT - window.used));
    response.setHeader("X-RateLimit-Reset", (window.endsAtMs / 1000).toFixed(3));
    response.setHeader("X-RateLimit-Reset-After", resetAfter.toFixed(3));
    response.setHeader("X-RateLimit-Bucket", bucket);
    if (!isOver) return null;
    response.setHeader("Retry-After", resetAfter.toFixed(3));
    response.setHeader("X-RateLimit-Scope", "user");
    return resetAfter;
  }
}
