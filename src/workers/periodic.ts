import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";

/** The part of an interval by which it varies, so that processes do not sweep in step. */
const JITTER = 0.2;

export interface Sweep {
  readonly name: string;
  readonly intervalMs: number;
  /** Called once at the start and then again and again; what it throws is logged. */
  run(): Promise<void>;
}

/**
 * Runs sweeps on a timer: each one by itself, and never a second time while it still runs. The
 * interval counts from the end of a run and varies by a fifth.
 */
export class Periodic {
  readonly #sweeps: readonly Sweep[];
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #random: () => number;
  readonly #stopping = new AbortController();
  #loops: Promise<void>[] = [];

  constructor(
    sweeps: readonly Sweep[],
    clock: Clock,
    log: Logger,
    random: () => number = Math.random,
  ) {
    this.#sweeps = sweeps;
    this.#clock = clock;
    this.#log = log;
    this.#random = random;
  }

  start(): void {
    this.#loops = this.#sweeps.map((sweep) => this.#repeat(sweep));
  }

  /** Starts no run any more and waits for those that run. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#loops);
  }

  async #repeat(sweep: Sweep): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await sweep.run();
      } catch (error) {
        this.#log.error({ err: error, sweep: sweep.name }, "sweep failed");
      }
      const factor = 1 - JITTER + 2 * JITTER * this.#random();
      await this.#clock.sleep(sweep.intervalMs * factor, signal);
    }
  }
}
