import type { Clock } from "../../core/clock.ts";

const WRONG_KEYS_MAX = 10;
const WINDOW_MS = 10 * 60_000;
const NETWORKS_MAX = 10_000;

/**
 * Stops guessing at the admin key: a network that sent too many wrong keys has to wait, even with
 * the right one. Right keys do not count, and nobody's guesses lock out another network.
 */
export class AdminKeyGuard {
  readonly #clock: Clock;
  readonly #wrong = new Map<string, { readonly count: number; readonly sinceMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long this network has to wait before it may try a key; 0 for not at all. */
  waitMs(network: string): number {
    const wrong = this.#wrong.get(network);
    if (wrong === undefined || wrong.count < WRONG_KEYS_MAX) return 0;
    return Math.max(0, wrong.sinceMs + WINDOW_MS - this.#clock.now().getTime());
  }

  countWrongKey(network: string): void {
    const nowMs = this.#clock.now().getTime();
    const wrong = this.#wrong.get(network);
    const isRecent = wrong !== undefined && nowMs < wrong.sinceMs + WINDOW_MS;
    this.#wrong.delete(network);
    this.#wrong.set(network, {
      count: isRecent ? wrong.count + 1 : 1,
      sinceMs: isRecent ? wrong.sinceMs : nowMs,
    });
    const oldest = this.#wrong.keys().next().value;
    if (this.#wrong.size > NETWORKS_MAX && oldest !== undefined) this.#wrong.delete(oldest);
  }
}
