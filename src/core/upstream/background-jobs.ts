import type { Logger } from "../log.ts";

/** Work that nobody waits for, until the program stops. A failure is logged and goes no further. */
export class BackgroundJobs {
  readonly #log: Logger;
  readonly #running = new Set<Promise<void>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Starts the job before it returns, so that what it does first is done. */
  run(job: () => Promise<void>): void {
    const running = this.attempt(job).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Runs the job and waits for it; never throws. */
  async attempt(job: () => Promise<void>): Promise<void> {
    try {
      await job();
    } catch (err) {
      this.#log.warn({ err }, "background work on upstreams failed");
    }
  }

  /** Resolves when nothing runs any more. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
