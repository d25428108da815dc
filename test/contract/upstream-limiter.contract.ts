import { describe, expect, it } from "vitest";
import {
  LEASE_MS,
  RUNNING_RETRY_MS,
  type UpstreamGrant,
  type UpstreamLimiter,
  type UpstreamLimits,
  WINDOW_MS,
} from "../../src/core/upstream/upstream-limiter.ts";
import { FakeClock } from "../fakes/fake-clock.ts";

const NONE: UpstreamLimits = { requestsPerMinute: null, tokensPerMinute: null, concurrent: null };
const call = (tokens = 10) => ({ requests: 1, tokens }) as const;

export type CreateLimiter = (
  limits: ReadonlyMap<string, UpstreamLimits>,
  clock: FakeClock,
) => Promise<UpstreamLimiter>;

/** What any limiter of upstream keys must do, wherever it keeps its numbers. */
export function upstreamLimiterContract(name: string, createLimiter: CreateLimiter): void {
  const setUp = async (limits: Partial<UpstreamLimits>) => {
    const clock = new FakeClock();
    const limiter = await createLimiter(new Map([["key", { ...NONE, ...limits }]]), clock);
    return { clock, limiter };
  };

  describe(`${name} keeps the upstream limiter contract`, () => {
    it("lets everything pass through a key without limits", async () => {
      const { limiter } = await setUp({});
      for (let index = 0; index < 50; index += 1) {
        expect(await limiter.acquire("key", call(1_000_000))).toMatchObject({ granted: true });
      }
      expect(await limiter.acquire("unknown", call())).toMatchObject({ granted: true });
    });

    it("refuses the first request over the minute's number until the oldest is a minute old", async () => {
      const { clock, limiter } = await setUp({ requestsPerMinute: 2 });
      await granted(limiter);
      await clock.advance(20_000);
      await granted(limiter);
      expect(await limiter.acquire("key", call())).toEqual({
        granted: false,
        retryAfterMs: WINDOW_MS - 20_000,
      });
      await clock.advance(WINDOW_MS - 20_000 - 1);
      expect(await limiter.acquire("key", call())).toEqual({ granted: false, retryAfterMs: 1 });
      await clock.advance(1);
      await granted(limiter);
      expect(await limiter.acquire("key", call())).toMatchObject({ granted: false });
    });

    it("counts requests that have ended", async () => {
      const { limiter } = await setUp({ requestsPerMinute: 1 });
      await (await granted(limiter)).release(5);
      expect(await limiter.acquire("key", call())).toMatchObject({ granted: false });
    });

    it("lets the last token of the minute pass and refuses the next one", async () => {
      const { clock, limiter } = await setUp({ tokensPerMinute: 100 });
      await (await granted(limiter, 40)).release(40);
      await clock.advance(10_000);
      await (await granted(limiter, 60)).release(60);
      expect(await limiter.acquire("key", call(1))).toEqual({
        granted: false,
        retryAfterMs: WINDOW_MS - 10_000,
      });
      await clock.advance(WINDOW_MS - 10_000);
      expect(await limiter.acquire("key", call(41))).toMatchObject({ granted: false });
      await granted(limiter, 40);
    });

    it("forgets a call that took no tokens like any other", async () => {
      const { clock, limiter } = await setUp({ requestsPerMinute: 1, tokensPerMinute: 100 });
      await (await granted(limiter, 90)).release(0);
      await clock.advance(WINDOW_MS);
      expect(await limiter.readUse("key")).toEqual({ requests: 0, tokens: 0, inFlight: 0 });
      await granted(limiter, 100);
    });

    it("gives back the tokens that a call set aside and did not need", async () => {
      const { limiter } = await setUp({ tokensPerMinute: 100 });
      const first = await granted(limiter, 90);
      expect(await limiter.acquire("key", call(20))).toEqual({
        granted: false,
        retryAfterMs: RUNNING_RETRY_MS,
      });
      await first.release(30);
      await first.release(0);
      await granted(limiter, 70);
      expect(await limiter.acquire("key", call(1))).toMatchObject({ granted: false });
    });

    it("counts what a call took beyond what it set aside", async () => {
      const { limiter } = await setUp({ tokensPerMinute: 100 });
      await (await granted(limiter, 10)).release(80);
      expect(await limiter.acquire("key", call(21))).toMatchObject({ granted: false });
      await granted(limiter, 20);
    });

    it("grants a call that wants more than a whole minute's tokens once the minute is empty", async () => {
      const { clock, limiter } = await setUp({ tokensPerMinute: 100 });
      await (await granted(limiter, 1)).release(1);
      expect(await limiter.acquire("key", call(500))).toMatchObject({ granted: false });
      await clock.advance(WINDOW_MS);
      await granted(limiter, 500);
    });

    it("forgets the correction of a call that began more than a minute ago", async () => {
      const { clock, limiter } = await setUp({ tokensPerMinute: 100 });
      const old = await granted(limiter, 100);
      await clock.advance(LEASE_MS - 1);
      await limiter.renewLeases();
      await clock.advance(LEASE_MS - 1);
      await limiter.renewLeases();
      await clock.advance(2);
      await old.release(1_000);
      expect(await limiter.readUse("key")).toEqual({ requests: 0, tokens: 0, inFlight: 0 });
      await granted(limiter, 100);
    });

    it("lets as many calls run at once as allowed, and one more when one ends", async () => {
      const { limiter } = await setUp({ concurrent: 2 });
      const first = await granted(limiter);
      await granted(limiter);
      expect(await limiter.acquire("key", call())).toEqual({
        granted: false,
        retryAfterMs: RUNNING_RETRY_MS,
      });
      await first.release(1);
      await granted(limiter);
      await first.release(1);
      expect(await limiter.acquire("key", call())).toMatchObject({ granted: false });
    });

    it("grants exactly what is free when many ask at the same time", async () => {
      const { limiter } = await setUp({ concurrent: 3 });
      const grants = await Promise.all(
        Array.from({ length: 20 }, () => limiter.acquire("key", call())),
      );
      expect(grants.filter((grant) => grant.granted)).toHaveLength(3);
    });

    it("takes back the place of a call whose lease nobody renewed", async () => {
      const { clock, limiter } = await setUp({ concurrent: 1 });
      const lost = await granted(limiter);
      await clock.advance(LEASE_MS - 1);
      expect(await limiter.acquire("key", call())).toMatchObject({ granted: false });
      await clock.advance(1);
      await granted(limiter);
      // It turns up after all: its place is someone else's now.
      await lost.release(1);
      expect(await limiter.acquire("key", call())).toMatchObject({ granted: false });
    });

    it("keeps the place of a call whose lease is renewed", async () => {
      const { clock, limiter } = await setUp({ concurrent: 1 });
      const long = await granted(limiter);
      for (let round = 0; round < 5; round += 1) {
        await clock.advance(LEASE_MS - 1);
        await limiter.renewLeases();
        expect(await limiter.acquire("key", call())).toMatchObject({ granted: false });
      }
      await long.release(1);
      await granted(limiter);
    });

    it("refuses everything while the key cools down, and the longest wait wins", async () => {
      const { clock, limiter } = await setUp({});
      await limiter.coolDown("key", 5_000);
      await limiter.coolDown("key", 1_000);
      expect(await limiter.acquire("key", call())).toEqual({ granted: false, retryAfterMs: 5_000 });
      await clock.advance(4_999);
      expect(await limiter.acquire("key", call())).toEqual({ granted: false, retryAfterMs: 1 });
      await clock.advance(1);
      await granted(limiter);
    });

    it("tells use of the last minute and how much is free", async () => {
      const { clock, limiter } = await setUp({ requestsPerMinute: 10, tokensPerMinute: 1_000 });
      expect(await limiter.readUse("key")).toEqual({ requests: 0, tokens: 0, inFlight: 0 });
      expect(await limiter.acquire("key", call(600))).toMatchObject({ freeShare: 0.4 });
      const second = await granted(limiter, 100);
      await second.release(50);
      expect(await limiter.readUse("key")).toEqual({ requests: 2, tokens: 650, inFlight: 1 });
      await clock.advance(WINDOW_MS);
      expect(await limiter.readUse("key")).toEqual({ requests: 0, tokens: 0, inFlight: 0 });
    });

    it("keeps keys apart", async () => {
      const clock = new FakeClock();
      const limits = new Map([
        ["a", { ...NONE, concurrent: 1 }],
        ["b", { ...NONE, concurrent: 1 }],
      ]);
      const limiter = await createLimiter(limits, clock);
      expect(await limiter.acquire("a", call())).toMatchObject({ granted: true });
      expect(await limiter.acquire("a", call())).toMatchObject({ granted: false });
      expect(await limiter.acquire("b", call())).toMatchObject({ granted: true });
    });
  });
}

async function granted(
  limiter: UpstreamLimiter,
  tokens = 10,
): Promise<UpstreamGrant & { granted: true }> {
  const grant = await limiter.acquire("key", call(tokens));
  if (!grant.granted) throw new Error(`Refused for ${grant.retryAfterMs} ms`);
  return grant;
}
