import assert from "node:assert";
import { once } from "node:events";
import { createRedisBackend, Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import type { Logger } from "../core/log.ts";
import { connectWithin } from "./connect-within.ts";
import {
  abortRunsWithoutLock,
  bullMqProcessor,
  type JobQueue,
  type JobWorker,
  type ProcessJob,
  type QueueBackend,
  type WorkerSettings,
  workerOptions,
} from "./job-queue.ts";
import { EVENTS_KEPT_MAX } from "./jobs.ts";
import { QuietWarning } from "./quiet-warning.ts";
import { RECONNECTING } from "./redis-options.ts";
import { endsWithin } from "./time-limit.ts";

const PREFIX = "dianka";
const HEALTH_LIMIT_MS = 1_000;
const CLOSE_LIMIT_MS = 1_000;

/**
 * BullMQ on Redis: one connection for all queues and workers, and one more for every worker,
 * which blocks on it while it waits for jobs.
 */
export class RedisQueues implements QueueBackend {
  readonly #redisUrl: string;
  readonly #log: Logger;
  readonly #trouble: QuietWarning;
  #redis: Redis | null = null;
  #ready: Promise<unknown> | null = null;

  constructor(redisUrl: string, log: Logger) {
    this.#redisUrl = redisUrl;
    this.#log = log;
    this.#trouble = new QuietWarning(log, "the queue on Redis has trouble");
  }

  async waitForQueue(limitMs: number): Promise<void> {
    // Not lazy: of a lazy connection BullMQ takes the first failure as final, and so would every
    // worker's duplicate of it.
    const redis = new Redis(this.#redisUrl, {
      ...RECONNECTING,
      // What a worker has begun to say is said again after a reconnect, however long that takes.
      maxRetriesPerRequest: null,
    });
    this.#redis = redis;
    redis.setMaxListeners(0);
    redis.on("error", (error) => this.#trouble.warn(error));
    const { host, port } = redis.options;
    await connectWithin(() => this.#untilReady(), {
      limitMs,
      where: `Redis at ${host}:${port}`,
      variable: "REDIS_URL",
      log: this.#log,
    });
  }

  createQueue(name: string): JobQueue {
    const queue = new Queue(
      name,
      {
        connection: this.#connected(),
        prefix: PREFIX,
        streams: { events: { maxLen: EVENTS_KEPT_MAX } },
      },
      createRedisBackend,
    );
    queue.on("error", (error) => this.#trouble.warn(error));
    return {
      add: async (jobName, data, options) => {
        // Else ioredis would keep it in memory until Redis is back, behind the caller's back.
        await this.#untilReady();
        return queue.add(jobName, data, options);
      },
    };
  }

  createWorker(name: string, processJob: ProcessJob, settings: WorkerSettings): JobWorker {
    const worker: JobWorker = new Worker(
      name,
      bullMqProcessor(processJob),
      { connection: this.#connected(), prefix: PREFIX, ...workerOptions(settings) },
      createRedisBackend,
    );
    worker.on("error", (error) => this.#trouble.warn(error));
    abortRunsWithoutLock(worker);
    return worker;
  }

  async isHealthy(): Promise<boolean> {
    if (this.#redis?.status !== "ready") return false;
    return endsWithin(this.#redis.ping(), HEALTH_LIMIT_MS).catch(() => false);
  }

  async close(): Promise<void> {
    const redis = this.#redis;
    if (redis === null) return;
    // QUIT lets what is on its way arrive; a Redis that is away cannot answer it.
    if (redis.status === "ready") await endsWithin(redis.quit(), CLOSE_LIMIT_MS).catch(() => false);
    redis.disconnect();
  }

  #connected(): Redis {
    assert(this.#redis !== null, "waitForQueue comes first");
    return this.#redis;
  }

  /** Rejects with the first failure to connect; all who wait share it. */
  async #untilReady(): Promise<void> {
    const redis = this.#connected();
    if (redis.status === "ready") return;
    // `once` also rejects when an "error" comes first.
    this.#ready ??= once(redis, "ready").finally(() => {
      this.#ready = null;
    });
    await this.#ready;
  }
}
