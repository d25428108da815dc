import type { Clock } from "../clock.ts";

/** No caller tries more often, whatever it is told. */
const RETRY_MS_MIN = 10;

interface Waiter {
  /** Wakes the waiter from its sleep. */
  wake: AbortController;
}

export type TryOutcome<T> =
  | { readonly kind: "got"; readonly value: T }
  /** Nothing now; worth another try after so long, or earlier when the line is woken. */
  | { readonly kind: "wait"; readonly retryAfterMs: number }
  | { readonly kind: "hopeless" };

export type LineOutcome<T> =
  | { readonly kind: "got"; readonly value: T }
  /** `retryAfterMs` is null where waiting longer would not have helped. */
  | { readonly kind: "gave_up"; readonly retryAfterMs: number | null }
  | { readonly kind: "aborted" };

/**
 * Lets callers wait for something scarce in the order they came. Only the first in line tries; it
 * sleeps in between until it is worth trying again, or until `wake` says that something came free.
 */
export class WaitingLine {
  readonly #clock: Clock;
  readonly #waiters: Waiter[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get length(): number {
    return this.#waiters.length;
  }

  /** Something may have come free: the first in line tries at once. */
  wake(): void {
    this.#waiters[0]?.wake.abort();
  }

  /**
   * Waits up to `waitMsMax` for `attempt` to succeed, and not at all when it would come too late.
   * Throws only what `attempt` throws.
   */
  async waitFor<T>(
    attempt: () => Promise<TryOutcome<T>>,
    waitMsMax: number,
    signal: AbortSignal,
  ): Promise<LineOutcome<T>> {
    const deadlineMs = this.#nowMs() + waitMsMax;
    const waiter: Waiter = { wake: new AbortController() };
    this.#waiters.push(waiter);
    // One listener for the whole wait, taken off again: the signal may outlive it by far.
    const onAbort = () => waiter.wake.abort();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await this.#stand(waiter, attempt, deadlineMs, signal);
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      this.wake();
    }
  }

  async #stand<T>(
    waiter: Waiter,
    attempt: () => Promise<TryOutcome<T>>,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<LineOutcome<T>> {
    while (!signal.aborted) {
      let sleepMs = deadlineMs - this.#nowMs();
      if (this.#waiters[0] === waiter) {
        const outcome = await attempt();
        if (outcome.kind === "got") return outcome;
        if (outcome.kind === "hopeless") return { kind: "gave_up", retryAfterMs: null };
        const { retryAfterMs } = outcome;
        if (this.#nowMs() + retryAfterMs > deadlineMs) return { kind: "gave_up", retryAfterMs };
        sleepMs = Math.max(RETRY_MS_MIN, retryAfterMs);
      } else if (sleepMs <= 0) {
        return { kind: "gave_up", retryAfterMs: RETRY_MS_MIN };
      }
      await this.#clock.sleep(sleepMs, waiter.wake.signal);
      waiter.wake = new AbortController();
    }
    return { kind: "aborted" };
  }

  #nowMs(): number {
    return this.#clock.now().getTime();
  }
}
