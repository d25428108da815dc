import type { Logger } from "../core/log.ts";

const INTERVAL_MS = 10_000;

/**
 * Warns of a trouble that repeats, such as a lost connection: at once, then at most every ten
 * seconds with the number of times it was kept back.
 */
export class QuietWarning {
  readonly #log: Logger;
  readonly #sentence: string;
  readonly #nowMs: () => number;
  #warnedAtMs = Number.NEGATIVE_INFINITY;
  #keptBack = 0;

  constructor(log: Logger, sentence: string, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#sentence = sentence;
    this.#nowMs = nowMs;
  }

  warn(error: unknown): void {
    if (this.#nowMs() - this.#warnedAtMs < INTERVAL_MS) {
      this.#keptBack += 1;
      return;
    }
    this.#log.warn({ reason: reasonOf(error), keptBack: this.#keptBack }, this.#sentence);
    this.#warnedAtMs = this.#nowMs();
    this.#keptBack = 0;
  }
}

/**
 * An error of a queue in a few words. Not the error itself: ioredis hangs the failed command on
 * it, and with AUTH that is the password.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  // Node's AggregateError (no address of a host answered) has a code but no message.
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return error.message === "" ? code : error.message;
}
