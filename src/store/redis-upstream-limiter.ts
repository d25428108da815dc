import { randomUUID } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import { OutsideError } from "../core/errors.ts";
import {
  freeShare,
  LEASE_MS,
  RUNNING_RETRY_MS,
  UNLIMITED,
  type UpstreamCost,
  type UpstreamGrant,
  type UpstreamLimiter,
  type UpstreamLimits,
  type UpstreamUse,
  WINDOW_MS,
} from "../core/upstream/upstream-limiter.ts";
import type { RedisScript } from "./redis-script.ts";
import { ACQUIRE, COOL_DOWN, READ_USE, RELEASE, RENEW } from "./redis-upstream-scripts.ts";

const NO_LIMIT = -1;
/** Lets Redis ask its own clock. */
const REDIS_TIME = -1;

export interface RedisUpstreamLimiterOptions {
  /** Before every key, e.g. "dianka", so that several installations can share a Redis. */
  readonly prefix: string;
  /** `null`: Redis' own time, so that workers whose clocks differ agree. Tests pass theirs. */
  readonly now: (() => Date) | null;
}

/**
 * Limits upstream keys together with all workers on the same Redis. Each step is one script, so that
 * it happens wholly or not at all; the keys of one upstream lie in one slot of a cluster.
 */
export class RedisUpstreamLimiter implements UpstreamLimiter {
  readonly #redis: Redis | Cluster;
  readonly #limits: ReadonlyMap<string, UpstreamLimits>;
  readonly #options: RedisUpstreamLimiterOptions;
  /** Running calls that this worker was granted, by upstream. */
  readonly #running = new Map<string, Set<string>>();

  /**
   * An upstream that `limits` does not name has none. The connection must give up soon while Redis
   * is away (`commandTimeout`), for until then questions wait. Whoever made it closes it.
   */
  constructor(
    redis: Redis | Cluster,
    limits: ReadonlyMap<string, UpstreamLimits>,
    options: RedisUpstreamLimiterOptions,
  ) {
    this.#redis = redis;
    this.#limits = limits;
    this.#options = options;
  }

  async acquire(upstream: string, cost: UpstreamCost): Promise<UpstreamGrant> {
    const limits = this.#limits.get(upstream) ?? UNLIMITED;
    const call = randomUUID();
    const [wait = 0, requests = 0, tokens = 0, inFlight = 0] = await this.#run(ACQUIRE, upstream, [
      call,
      cost.tokens,
      limits.requestsPerMinute ?? NO_LIMIT,
      limits.tokensPerMinute ?? NO_LIMIT,
      limits.concurrent ?? NO_LIMIT,
      RUNNING_RETRY_MS,
    ]);
    if (wait > 0) return { granted: false, retryAfterMs: wait };
    this.#runningOf(upstream).add(call);
    return {
      granted: true,
      freeShare: freeShare(limits, { requests, tokens, inFlight }),
      release: (actualTokens) => this.#release(upstream, call, actualTokens),
    };
  }

  async coolDown(upstream: string, ms: number): Promise<void> {
    await this.#run(COOL_DOWN, upstream, [ms]);
  }

  async readUse(upstream: string): Promise<UpstreamUse> {
    const [requests = 0, tokens = 0, inFlight = 0] = await this.#run(READ_USE, upstream, []);
    return { requests, tokens, inFlight };
  }

  async renewLeases(): Promise<void> {
    const renewals = [...this.#running]
      .filter(([, calls]) => calls.size > 0)
      .map(([upstream, calls]) => this.#run(RENEW, upstream, [...calls]));
    await Promise.all(renewals);
  }

  async #release(upstream: string, call: string, actualTokens: number): Promise<void> {
    // Taken off first: when Redis is away now, the lease lapses instead of being renewed for ever.
    if (!this.#runningOf(upstream).delete(call)) return;
    await this.#run(RELEASE, upstream, [call, actualTokens]);
  }

  #runningOf(upstream: string): Set<string> {
    const calls = this.#running.get(upstream) ?? new Set();
    this.#running.set(upstream, calls);
    return calls;
  }

  async #run(
    script: RedisScript,
    upstream: string,
    parameters: readonly (string | number)[],
  ): Promise<readonly number[]> {
    // The braces keep all keys of an upstream in one slot of a cluster.
    const base = `${this.#options.prefix}:{upstream:${upstream}}`;
    const keys = [`${base}:calls`, `${base}:tokens`, `${base}:running`, `${base}:cool`];
    const now = this.#options.now?.().getTime() ?? REDIS_TIME;
    try {
      const reply = await script.run(this.#redis, keys, [now, WINDOW_MS, LEASE_MS, ...parameters]);
      return Array.isArray(reply) ? reply.map(Number) : [];
    } catch (error) {
      // Not the error itself: ioredis hangs the failed command on it, and with AUTH that is the password.
      const cause = error instanceof Error ? error.message : "unknown";
      throw new OutsideError("redis", "unreachable", { cause });
    }
  }
}
