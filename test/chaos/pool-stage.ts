import { setTimeout as sleep } from "node:timers/promises";
import { OutsideError } from "../../src/core/errors.ts";
import { MemoryUpstreamLimiter } from "../../src/core/upstream/memory-upstream-limiter.ts";
import type { UpstreamLimits } from "../../src/core/upstream/upstream-limiter.ts";
import { UpstreamPool } from "../../src/core/upstream/upstream-pool.ts";
import type { UpstreamTimeouts } from "../../src/core/upstream/upstream-registry.ts";
import { createRedisConnection } from "../../src/store/redis-connection.ts";
import { RedisUpstreamLimiter } from "../../src/store/redis-upstream-limiter.ts";
import { systemClock } from "../../src/system-clock.ts";
import { createOpenAiUpstreams } from "../../src/upstreams/openai-upstreams.ts";
import { MemoryUpstreamStateStore } from "../fakes/memory-upstream-state-store.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";
import type { WitnessUpstream } from "../fakes/witness-upstream.ts";

export interface PoolStageOptions {
  readonly upstream: WitnessUpstream;
  readonly keys: readonly string[];
  readonly limits: UpstreamLimits;
  readonly timeouts: UpstreamTimeouts;
  /** `null`: limits are kept in memory. */
  readonly redisUrl: string | null;
  readonly random: () => number;
}

/** How one call through the pool went. */
export interface PoolAnswer {
  readonly isOk: boolean;
  readonly text: string;
  readonly firstWordMs: number | null;
  readonly failure: string | null;
}

/** The pool of keys as a worker has it, over HTTP, without the rest of the program. */
export class PoolStage implements AsyncDisposable {
  readonly pool: UpstreamPool;
  readonly log = new RecordedLog();
  readonly #stop: () => Promise<void>;

  constructor(options: PoolStageOptions) {
    const { upstream, keys, limits, timeouts, redisUrl, random } = options;
    const registry = createOpenAiUpstreams([
      {
        name: "main",
        baseUrl: upstream.url,
        keys,
        models: { m: "m" },
        weight: 1,
        priority: 0,
        proxy: null,
        limits,
        timeouts,
        balance: null,
      },
    ]);
    const redis = redisUrl === null ? null : createRedisConnection(redisUrl, this.log);
    const limiter =
      redis === null
        ? new MemoryUpstreamLimiter(registry.limits, systemClock)
        : new RedisUpstreamLimiter(redis, registry.limits, { prefix: "chaos", now: null });
    this.pool = new UpstreamPool(registry.upstreams, {
      limiter,
      states: new MemoryUpstreamStateStore(),
      clock: systemClock,
      log: this.log,
      onKeyDead: async () => {},
      random,
    });
    this.#stop = async () => {
      await this.pool.stop();
      await registry.stop();
      redis?.disconnect();
    };
  }

  /** Asks one question, as a person does who stays with `stickyKey`. */
  async ask(question: string, stickyKey: string): Promise<PoolAnswer> {
    const startedAtMs = performance.now();
    let text = "";
    let firstWordMs: number | null = null;
    const request = {
      model: "m",
      turns: [{ role: "user" as const, text: question, images: [] }],
      inputTokens: 10,
      outputTokensMax: 100,
      stickyKey,
    };
    try {
      for await (const event of this.pool.complete(request, new AbortController().signal)) {
        if (event.type === "delta") {
          firstWordMs ??= performance.now() - startedAtMs;
          text += event.text;
        }
        if (event.type === "done") return { isOk: true, text, firstWordMs, failure: null };
      }
      return { isOk: false, text, firstWordMs, failure: "ended without an end" };
    } catch (error) {
      const failure = error instanceof OutsideError ? error.message : String(error);
      return { isOk: false, text, firstWordMs, failure };
    }
  }

  /** Asks all questions, so many at once; each starts a little after the other. */
  async askAll(questions: readonly string[], atOnce: number): Promise<PoolAnswer[]> {
    const answers: PoolAnswer[] = [];
    let next = 0;
    const one = async (lane: number) => {
      await sleep(lane * 7);
      for (let index = next++; index < questions.length; index = next++) {
        answers.push(await this.ask(questions[index] ?? "", `person ${index % 200}`));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, (_, lane) => one(lane)));
    return answers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}
