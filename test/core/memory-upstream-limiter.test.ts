import { describe, expect, it } from "vitest";
import { MemoryUpstreamLimiter } from "../../src/core/upstream/memory-upstream-limiter.ts";
import { UNLIMITED } from "../../src/core/upstream/upstream-limiter.ts";
import { upstreamLimiterContract } from "../contract/upstream-limiter.contract.ts";
import { FakeClock } from "../fakes/fake-clock.ts";

upstreamLimiterContract(
  "MemoryUpstreamLimiter",
  async (limits, clock) => new MemoryUpstreamLimiter(limits, clock),
);

describe("MemoryUpstreamLimiter", () => {
  it("counts right over more calls than it keeps a record of", async () => {
    const clock = new FakeClock();
    const limits = new Map([["key", { ...UNLIMITED, requestsPerMinute: 100 }]]);
    const limiter = new MemoryUpstreamLimiter(limits, clock);
    for (let second = 0; second < 2_500; second += 1) {
      const grant = await limiter.acquire("key", { requests: 1, tokens: 7 });
      if (grant.granted) await grant.release(3);
      clock.jumpTo(new Date(clock.now().getTime() + 1_000));
    }
    expect(await limiter.readUse("key")).toEqual({ requests: 59, tokens: 177, inFlight: 0 });
  });

  it("does not hold a clock that was set back against a key", async () => {
    const clock = new FakeClock();
    const limits = new Map([["key", { ...UNLIMITED, requestsPerMinute: 1 }]]);
    const limiter = new MemoryUpstreamLimiter(limits, clock);
    await limiter.acquire("key", { requests: 1, tokens: 1 });
    clock.jumpTo(new Date(clock.now().getTime() - 3_600_000));
    expect(await limiter.acquire("key", { requests: 1, tokens: 1 })).toMatchObject({
      granted: true,
    });
  });
});
