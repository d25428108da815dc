import type { Clock } from "../../core/clock.ts";

/** How far the time of a request may be from ours. */
export const REQUEST_AGE_MS_MAX = 5 * 60_000;
/** Requests remembered at most; those of the last minutes fit many times. */
const REMEMBERED_MAX = 100_000;

interface SeenRequest {
  readonly eventId: string;
  readonly forgetAtMs: number;
}

/**
 * Takes no signature a second time for something else, and none that is old: whoever sees the
 * address of a request could post messages of their own with it. WeChat itself may use one again
 * when it repeats the same message.
 */
export class ReplayGuard {
  readonly #clock: Clock;
  readonly #seen = new Map<string, SeenRequest>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `timestamp` is in seconds, as it stands in the address. */
  isRecent(timestamp: string): boolean {
    if (!/^\d{1,12}$/.test(timestamp)) return false;
    return Math.abs(this.#nowMs() - Number(timestamp) * 1000) <= REQUEST_AGE_MS_MAX;
  }

  /** Whether the request is the first with that nonce and time, or repeats the same event. */
  accept(timestamp: string, nonce: string, eventId: string): boolean {
    this.#forgetOld();
    const key = JSON.stringify([timestamp, nonce]);
    const seen = this.#seen.get(key);
    if (seen !== undefined) return seen.eventId === eventId;
    this.#seen.set(key, { eventId, forgetAtMs: this.#nowMs() + 2 * REQUEST_AGE_MS_MAX });
    return true;
  }

  #forgetOld(): void {
    const nowMs = this.#nowMs();
    for (const [key, { forgetAtMs }] of this.#seen) {
      if (forgetAtMs >= nowMs && this.#seen.size < REMEMBERED_MAX) return;
      this.#seen.delete(key);
    }
  }

  #nowMs(): number {
    return this.#clock.now().getTime();
  }
}
