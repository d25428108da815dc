import { describe, expect, it, vi } from "vitest";
import type { Clock } from "../../src/core/clock.ts";
import { Periodic } from "../../src/workers/periodic.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

/** Sleeps until a test wakes it, and shows for how long it was asked to. */
class SleepingClock implements Clock {
  readonly sleeps: number[] = [];
  #wake: () => void = () => {};

  elapsedMs(): number {
    return performance.now();
  }

  now(): Date {
    return new Date(0);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps.push(ms);
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      signal?.addEventListener("abort", () => resolve());
    });
  }

  async wake(): Promise<void> {
    const before = this.sleeps.length;
    this.#wake();
    await vi.waitFor(() => expect(this.sleeps.length).toBe(before + 1));
  }
}

describe("Periodic", () => {
  it("runs at the start and after each interval, which varies by a fifth", async () => {
    const clock = new SleepingClock();
    const chances = [0, 0.5, 0.999];
    let runs = 0;
    const sweep = {
      name: "holds",
      intervalMs: 10_000,
      run: async () => {
        runs += 1;
      },
    };
    const periodic = new Periodic([sweep], clock, new RecordedLog(), () => chances.shift() ?? 0);
    periodic.start();
    await vi.waitFor(() => expect(clock.sleeps).toHaveLength(1));
    await clock.wake();
    await clock.wake();
    expect(runs).toBe(3);
    expect(clock.sleeps.map(Math.round)).toEqual([8_000, 10_000, 11_996]);
    await periodic.stop();
  });

  it("never runs a sweep twice at the same time", async () => {
    const clock = new SleepingClock();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    let runs = 0;
    const run = () => {
      runs += 1;
      return ended;
    };
    const periodic = new Periodic([{ name: "slow", intervalMs: 1, run }], clock, new RecordedLog());
    periodic.start();
    expect(runs).toBe(1);
    expect(clock.sleeps).toEqual([]);
    end();
    await periodic.stop();
    expect(runs).toBe(1);
  });

  it("logs what a sweep throws and goes on, without disturbing the others", async () => {
    const clock = new SleepingClock();
    const log = new RecordedLog();
    let failures = 0;
    const failing = {
      name: "failing",
      intervalMs: 1_000,
      async run() {
        failures += 1;
        throw new Error("no database");
      },
    };
    const periodic = new Periodic([failing], clock, log);
    periodic.start();
    await vi.waitFor(() => expect(clock.sleeps).toHaveLength(1));
    await clock.wake();
    expect(failures).toBe(2);
    expect(log.lines).toMatchObject([
      { level: "error", fields: { sweep: "failing" }, sentence: "sweep failed" },
      { level: "error", fields: { sweep: "failing" }, sentence: "sweep failed" },
    ]);
    await periodic.stop();
  });

  it("waits for what runs when it stops", async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const periodic = new Periodic(
      [{ name: "slow", intervalMs: 1, run: () => ended }],
      new SleepingClock(),
      new RecordedLog(),
    );
    periodic.start();
    let isStopped = false;
    const stopped = periodic.stop().then(() => {
      isStopped = true;
    });
    await Promise.resolve();
    expect(isStopped).toBe(false);
    end();
    await stopped;
  });
});
