import type { Config } from "../config.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import { MemoryUpstreamLimiter } from "../core/upstream/memory-upstream-limiter.ts";
import { SecretBox } from "../core/upstream/secret-box.ts";
import { UNLIMITED } from "../core/upstream/upstream-limiter.ts";
import { UpstreamPool } from "../core/upstream/upstream-pool.ts";
import type { UpstreamStateStore } from "../core/upstream/upstream-state-store.ts";
import { createRedisConnection } from "../store/redis-connection.ts";
import { RedisUpstreamLimiter } from "../store/redis-upstream-limiter.ts";
import type { SecretKey } from "../store/secret-key.ts";
import { DemoUpstream } from "../upstreams/demo-upstream.ts";
import { createOpenAiUpstreams } from "../upstreams/openai-upstreams.ts";

export interface Upstreams {
  readonly pool: UpstreamPool;
  stop(): Promise<void>;
}

/** The pool of all configured keys; the demo alone when there is none. */
export function createUpstreams(
  config: Config,
  parts: {
    readonly secretKey: SecretKey;
    readonly states: UpstreamStateStore;
    readonly onKeyDead: (name: string, reason: string) => Promise<void>;
    readonly clock: Clock;
    readonly log: Logger;
  },
): Upstreams {
  const { states, onKeyDead, clock, log } = parts;
  const openAi = createOpenAiUpstreams(openSealedKeys(config, parts.secretKey));
  const demo = { upstream: new DemoUpstream(clock), weight: 1, priority: 0, limits: UNLIMITED };
  const members = config.upstreams.length === 0 ? [demo] : openAi.upstreams;
  const limits = new Map([["demo", UNLIMITED], ...openAi.limits]);
  const redis = config.redisUrl === null ? null : createRedisConnection(config.redisUrl, log);
  const limiter =
    redis === null
      ? new MemoryUpstreamLimiter(limits, clock)
      : new RedisUpstreamLimiter(redis, limits, { prefix: "dianka", now: null });
  const pool = new UpstreamPool(members, {
    limiter,
    states,
    clock,
    log,
    onKeyDead,
    random: Math.random,
  });
  return {
    pool,
    async stop() {
      await pool.stop();
      await openAi.stop();
      redis?.disconnect();
    },
  };
}

function openSealedKeys(config: Config, secretKey: SecretKey): Config["upstreams"] {
  const box = new SecretBox(secretKey.secret);
  return config.upstreams.map((entry) => ({
    ...entry,
    keys: entry.keys.map((key) => {
      if (!SecretBox.isSealed(key)) return key;
      try {
        return box.open(key);
      } catch (cause) {
        throw new Error(
          `A key of the upstream "${entry.name}" was sealed with another SECRET_KEY: seal it again with npm run secret:seal.`,
          { cause },
        );
      }
    }),
  }));
}
