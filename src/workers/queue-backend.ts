import type { Logger } from "../core/log.ts";
import type { QueueBackend } from "./job-queue.ts";
import { PostgresQueues } from "./postgres-queues.ts";
import { RedisQueues } from "./redis-queues.ts";

export interface QueueBackendOptions {
  /** `null`: the queue runs on Postgres. */
  readonly redisUrl: string | null;
  readonly databaseUrl: string;
  readonly log: Logger;
}

/** Chooses Redis when there is one. Connects to nothing before `waitForQueue`. */
export function createQueueBackend(options: QueueBackendOptions): QueueBackend {
  const { redisUrl, databaseUrl, log } = options;
  return redisUrl === null ? new PostgresQueues(databaseUrl, log) : new RedisQueues(redisUrl, log);
}
