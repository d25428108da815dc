import type { Clock } from "../../../src/core/clock.ts";
import { systemClock } from "../../../src/system-clock.ts";

const SPEED = 25;

/** Real time, only faster, so that the pauses between calls to a real server cost little. */
export class FastClock implements Clock {
  #fromMs = Date.now();
  #nowMs = this.#fromMs;
  #speed = SPEED;

  now(): Date {
    return new Date(this.#nowMs + (Date.now() - this.#fromMs) * this.#speed);
  }

  elapsedMs(): number {
    return this.now().getTime();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await systemClock.sleep(Math.ceil(ms / this.#speed), signal);
  }

  /** Nobody who sleeps wakes earlier for it. */
  skip(ms: number): void {
    this.#nowMs += ms;
  }

  /** For tests in which a real second must not be half a minute. */
  slowDown(speed: number): void {
    this.#nowMs = this.now().getTime();
    this.#fromMs = Date.now();
    this.#speed = speed;
  }
}
