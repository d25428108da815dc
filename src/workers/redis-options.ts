import type { RedisOptions } from "ioredis";

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 1_000;

/** What all connections of the queue and the feed have in common: soon back when Redis is. */
export const RECONNECTING = {
  connectTimeout: 2_000,
  retryStrategy: (times) => Math.min(RETRY_MS_MIN * times, RETRY_MS_MAX),
  // Redis guesses when it will have read its file, and in its first moments guesses far too much.
  maxLoadingRetryTime: 250,
} satisfies RedisOptions;
