/** Something that is waiting for the next tick. */
export interface Ticking {
  onTick(): void;
}

/**
 * One timer for everything that may wait a little: whoever asks is called once, within `intervalMs`,
 * together with all others that asked meanwhile. No timer runs while nobody waits.
 */
export class SharedTicker {
  readonly #intervalMs: number;
  #waiting = new Set<Ticking>();
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** To ask twice is to ask once. */
  wait(one: Ticking): void {
    this.#waiting.add(one);
    this.#timer ??= setTimeout(() => this.#tick(), this.#intervalMs);
  }

  forget(one: Ticking): void {
    this.#waiting.delete(one);
    if (this.#waiting.size > 0 || this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    const due = this.#waiting;
    this.#waiting = new Set();
    this.#timer = null;
    for (const one of due) one.onTick();
  }
}
