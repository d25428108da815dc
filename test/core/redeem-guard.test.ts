import { describe, expect, it } from "vitest";
import { countGuess, type GuessCount, lockedUntil } from "../../src/core/cards/redeem-guard.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const OLD = new Date(0);
const start = new Date("2026-11-23T12:00:00Z");
const at = (ms: number) => new Date(start.getTime() + ms);

/** Wrong guesses at these times, by an old account. */
function guessAt(times: readonly number[], before: GuessCount | null = null): GuessCount | null {
  return times.reduce<GuessCount | null>(
    (count, ms) => countGuess(count, 100, OLD, at(ms)),
    before,
  );
}

describe("countGuess", () => {
  it("locks with the fifth guess of ten minutes, for a quarter of an hour", () => {
    expect(guessAt([0, 1, 2, 3])).toMatchObject({ weight: 400, lockedUntil: null });
    expect(guessAt([0, 1, 2, 3, 4])).toEqual({
      weight: 0,
      windowStart: at(4),
      lockCount: 1,
      lockedUntil: at(4 + 15 * MINUTE_MS),
    });
  });

  it("forgets after ten minutes without a guess, and not while they go on", () => {
    const window = 10 * MINUTE_MS;
    expect(guessAt([0, 1, 2, 3, 3 + window])).toMatchObject({ weight: 100 });
    expect(guessAt([0, 1, 2, 3, 3 + window - 1])).toMatchObject({ lockCount: 1 });
  });

  it("locks an account younger than a day with its second guess", () => {
    const day = 24 * HOUR_MS;
    const first = countGuess(null, 100, at(-day + 1), at(0));
    expect(first.lockedUntil).toBeNull();
    expect(countGuess(first, 100, at(-day + 2), at(1)).lockCount).toBe(1);
    expect(countGuess(first, 100, at(-day + 1), at(1)).lockCount).toBe(0);
  });

  it("doubles each lock that follows, up to a day", () => {
    const lengths: number[] = [];
    let count: GuessCount | null = null;
    let nowMs = 0;
    for (let lock = 0; lock < 9; lock += 1) {
      count = guessAt([nowMs, nowMs, nowMs, nowMs, nowMs], count);
      const untilMs = (count?.lockedUntil?.getTime() ?? 0) - start.getTime();
      lengths.push((untilMs - nowMs) / MINUTE_MS);
      nowMs = untilMs;
    }
    expect(lengths).toEqual([15, 30, 60, 120, 240, 480, 960, 1440, 1440]);
  });

  it("begins with a quarter of an hour again after a day without a lock", () => {
    const locked = guessAt([0, 0, 0, 0, 0]);
    const almostADay = 15 * MINUTE_MS + 24 * HOUR_MS - 1;
    const five = (ms: number) => guessAt([ms, ms, ms, ms, ms], locked)?.lockCount;
    expect(five(almostADay)).toBe(2);
    expect(five(almostADay + 1)).toBe(1);
  });
});

describe("lockedUntil", () => {
  it("is the end of the longest lock that still holds", () => {
    const lock = (ms: number): GuessCount => ({
      weight: 0,
      windowStart: start,
      lockCount: 1,
      lockedUntil: at(ms),
    });
    const none: GuessCount = { weight: 400, windowStart: start, lockCount: 0, lockedUntil: null };
    expect(lockedUntil([], start)).toBeNull();
    expect(lockedUntil([none, lock(0), lock(-1)], start)).toBeNull();
    expect(lockedUntil([lock(1), none, lock(5)], start)).toEqual(at(5));
  });
});
