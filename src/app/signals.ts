/** A terminal and npm may both pass on one Ctrl-C: only a later signal means "hurry". */
const HURRY_AFTER_MS = 2_000;

/** The first SIGTERM or SIGINT asks us to end; one at least two seconds later, to hurry. */
export class Signals {
  readonly requested: Promise<void>;
  readonly #hurry = new AbortController();
  #resolve: () => void = () => {};
  #requestedAtMs: number | null = null;
  readonly #onSignal = () => this.request();

  constructor() {
    this.requested = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    process.on("SIGTERM", this.#onSignal);
    process.on("SIGINT", this.#onSignal);
  }

  get isStopping(): boolean {
    return this.#requestedAtMs !== null;
  }

  get hurried(): AbortSignal {
    return this.#hurry.signal;
  }

  request(): void {
    const nowMs = performance.now();
    if (this.#requestedAtMs === null) {
      this.#requestedAtMs = nowMs;
      this.#resolve();
    } else if (nowMs - this.#requestedAtMs >= HURRY_AFTER_MS) {
      this.#hurry.abort();
    }
  }

  stop(): void {
    process.off("SIGTERM", this.#onSignal);
    process.off("SIGINT", this.#onSignal);
  }
}
