import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UNLIMITED, type UpstreamLimits } from "../../src/core/upstream/upstream-limiter.ts";
import { createRedisConnection } from "../../src/store/redis-connection.ts";
import { RedisUpstreamLimiter } from "../../src/store/redis-upstream-limiter.ts";
import { upstreamLimiterContract } from "../contract/upstream-limiter.contract.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

const url = process.env.REDIS_URL ?? "";
const cost = { requests: 1, tokens: 10 } as const;

describe.skipIf(url === "")("RedisUpstreamLimiter", () => {
  // Everything below uses prefixes of its own, and its keys expire by themselves.
  let redis: Redis;
  beforeAll(() => {
    redis = new Redis(url, { maxRetriesPerRequest: 1 });
  });
  afterAll(() => redis.quit());

  const createWorker = (
    limits: Partial<UpstreamLimits>,
    prefix: string,
    now: (() => Date) | null = null,
  ) => {
    const all = new Map([["main#1", { ...UNLIMITED, ...limits }]]);
    return new RedisUpstreamLimiter(redis, all, { prefix, now });
  };

  upstreamLimiterContract("RedisUpstreamLimiter", async (limits, clock) => {
    const prefix = `test:${randomUUID()}`;
    return new RedisUpstreamLimiter(redis, limits, { prefix, now: () => clock.now() });
  });

  it("shares limits between workers, by Redis' own clock", async () => {
    const prefix = `test:${randomUUID()}`;
    const first = createWorker({ concurrent: 3, tokensPerMinute: 100 }, prefix);
    const second = createWorker({ concurrent: 3, tokensPerMinute: 100 }, prefix);
    const grants = await Promise.all(
      Array.from({ length: 10 }, (_, index) => {
        return (index % 2 === 0 ? first : second).acquire("main#1", cost);
      }),
    );
    expect(grants.filter((grant) => grant.granted)).toHaveLength(3);
    expect(await first.readUse("main#1")).toEqual({ requests: 3, tokens: 30, inFlight: 3 });
    for (const grant of grants) if (grant.granted) await grant.release(20);
    expect(await second.readUse("main#1")).toEqual({ requests: 3, tokens: 60, inFlight: 0 });
  });

  it("passes a cooldown on to other workers", async () => {
    const prefix = `test:${randomUUID()}`;
    await createWorker({}, prefix).coolDown("main#1", 60_000);
    const grant = await createWorker({}, prefix).acquire("main#1", cost);
    expect(grant.granted).toBe(false);
    if (!grant.granted) expect(grant.retryAfterMs).toBeGreaterThan(55_000);
  });

  it("renews only the calls of its own worker", async () => {
    const prefix = `test:${randomUUID()}`;
    let nowMs = Date.now();
    const now = () => new Date(nowMs);
    const killed = createWorker({ concurrent: 2 }, prefix, now);
    const living = createWorker({ concurrent: 2 }, prefix, now);
    await killed.acquire("main#1", cost);
    await living.acquire("main#1", cost);
    nowMs += 20_000;
    await living.renewLeases();
    nowMs += 20_000;
    expect(await living.readUse("main#1")).toMatchObject({ inFlight: 1 });
  });

  it("sends its scripts again to a Redis that lost them", async () => {
    const limiter = createWorker({}, `test:${randomUUID()}`);
    await limiter.acquire("main#1", cost);
    await redis.script("FLUSH");
    expect(await limiter.acquire("main#1", cost)).toMatchObject({ granted: true });
  });

  it("leaves nothing in Redis that does not expire", async () => {
    const prefix = `test:${randomUUID()}`;
    const limiter = createWorker({}, prefix);
    const grant = await limiter.acquire("main#1", cost);
    await limiter.coolDown("main#1", 5_000);
    if (grant.granted) await grant.release(1);
    await limiter.renewLeases();
    const keys = await redis.keys(`${prefix}*`);
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0);
  });

  it("says that Redis cannot be reached", async () => {
    // Nothing listens on this port: it is reserved.
    const away = createRedisConnection("redis://127.0.0.1:1", new RecordedLog());
    const limiter = new RedisUpstreamLimiter(away, new Map(), { prefix: "test", now: null });
    await expect(limiter.acquire("main#1", cost)).rejects.toMatchObject({
      name: "OutsideError",
      party: "redis",
      kind: "unreachable",
    });
    away.disconnect();
  });
});
