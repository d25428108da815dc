import { Redis } from "ioredis";
import type { Logger } from "../core/log.ts";

const COMMAND_TIMEOUT_MS = 2_000;
const RECONNECT_MS_MAX = 2_000;
/** Redis guesses when it will have read its file, and in its first moments guesses far too much. */
const LOADING_RETRY_MS = 250;

/** A connection for short commands: they fail soon while Redis is away, and it comes back by itself. */
export function createRedisConnection(url: string, log: Logger): Redis {
  const redis = new Redis(url, {
    commandTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    retryStrategy: (times) => Math.min(times * 100, RECONNECT_MS_MAX),
    maxLoadingRetryTime: LOADING_RETRY_MS,
    lazyConnect: true,
  });
  let isAway = false;
  redis.on("error", (error) => {
    if (!isAway) log.warn({ err: error }, "redis is away");
    isAway = true;
  });
  redis.on("ready", () => {
    isAway = false;
  });
  return redis;
}
