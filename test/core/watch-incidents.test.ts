import { describe, expect, it } from "vitest";
import { WatchIncidents } from "../../src/core/admin/watch-incidents.ts";
import { FakeClock } from "../fakes/fake-clock.ts";

const MINUTE_MS = 60_000;

function setUp() {
  const clock = new FakeClock({ start: new Date("2026-01-01T10:00:30Z") });
  const outcomes = { answered: 0, failed: 0 };
  const kept = new Map<string, unknown>();
  /** Texts by cause: the same cause twice is one notice. */
  const told = new Map<string, string>();
  const since: Date[] = [];
  const createWatch = () =>
    new WatchIncidents({
      stats: {
        countOutcomes: async (from) => {
          since.push(from);
          return outcomes;
        },
      },
      runtime: {
        read: async (key) => kept.get(key) ?? null,
        write: async (key, value) => void kept.set(key, value),
      },
      notices: {
        toAdmins: async (cause, text) => {
          if (!told.has(cause)) told.set(cause, text);
        },
      },
      settings: { defaultLocale: "en" },
      clock,
    });
  return { clock, outcomes, told, since, createWatch };
}

describe("WatchIncidents", () => {
  it("looks at the last five minutes", async () => {
    const { since, createWatch } = setUp();
    await createWatch().sweep();
    expect(since).toEqual([new Date("2026-01-01T09:55:30Z")]);
  });

  it.each([
    { answered: 0, failed: 4, isTold: false },
    { answered: 0, failed: 5, isTold: true },
    { answered: 5, failed: 5, isTold: true },
    { answered: 6, failed: 5, isTold: false },
    { answered: 0, failed: 0, isTold: false },
  ])("with $failed failed and $answered answered: told $isTold", async (counts) => {
    const { outcomes, told, createWatch } = setUp();
    Object.assign(outcomes, counts);
    await createWatch().sweep();
    expect(told.size).toBe(counts.isTold ? 1 : 0);
  });

  it("tells once, also from two processes and after a restart, and once when it is over", async () => {
    const { clock, outcomes, told, createWatch } = setUp();
    Object.assign(outcomes, { answered: 1, failed: 9 });
    const [first, second] = [createWatch(), createWatch()];
    await Promise.all([first.sweep(), second.sweep()]);
    await clock.advance(3 * MINUTE_MS);
    await createWatch().sweep();
    expect([...told.values()]).toEqual([
      expect.stringContaining("9 of the last 10 answers failed"),
    ]);
    // Nobody asks: nothing is known to be well again.
    Object.assign(outcomes, { answered: 0, failed: 0 });
    await first.sweep();
    Object.assign(outcomes, { answered: 8, failed: 1 });
    await first.sweep();
    expect(told.size).toBe(1);
    Object.assign(outcomes, { answered: 9, failed: 1 });
    await Promise.all([first.sweep(), second.sweep()]);
    expect([...told.values()].at(-1)).toContain("after 4 minutes");
    expect(told.size).toBe(2);
  });

  it("tells of the next one", async () => {
    const { clock, outcomes, told, createWatch } = setUp();
    const watch = createWatch();
    for (const counts of [
      { answered: 0, failed: 7 },
      { answered: 7, failed: 0 },
      { answered: 0, failed: 7 },
    ]) {
      Object.assign(outcomes, counts);
      await watch.sweep();
      await clock.advance(6 * MINUTE_MS);
    }
    expect(told.size).toBe(3);
  });
});
