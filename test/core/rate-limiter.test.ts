import { describe, expect, it } from "vitest";
import { MemoryRateLimiter } from "../../src/core/quota/rate-limiter.ts";
import { FakeClock } from "../fakes/fake-clock.ts";

describe("MemoryRateLimiter", () => {
  it("allows so many in a window and says how long to wait for the next", async () => {
    const clock = new FakeClock();
    const limiter = new MemoryRateLimiter(clock);
    expect(limiter.take("a", 2, 1_000)).toBe(0);
    await clock.advance(400);
    expect(limiter.take("a", 2, 1_000)).toBe(0);
    expect(limiter.take("a", 2, 1_000)).toBe(600);
    expect(limiter.take("b", 2, 1_000)).toBe(0);
    await clock.advance(599);
    expect(limiter.take("a", 2, 1_000)).toBe(1);
    await clock.advance(1);
    expect(limiter.take("a", 2, 1_000)).toBe(0);
  });
});
