import { Redis } from "ioredis";
import type { Logger } from "../core/log.ts";
import type { ReplyFeed } from "../core/reply-feed.ts";
import { CombinedReplyFeed } from "./combined-reply-feed.ts";
import type { FeedChannel, FeedMessage, FeedWire } from "./feed-wire.ts";
import { QuietWarning } from "./quiet-warning.ts";
import { RECONNECTING } from "./redis-options.ts";
import { endsWithin } from "./time-limit.ts";

/** Redis takes far more; longer than any answer. */
const PAYLOAD_BYTES_MAX = 4_000_000;
const START_LIMIT_MS = 3_000;

/** The feed over Redis: two connections, because one that subscribes can do nothing else. */
export function createRedisReplyFeed(redisUrl: string, log: Logger): ReplyFeed {
  return new CombinedReplyFeed(new RedisFeedWire(redisUrl, log), log);
}

class RedisFeedWire implements FeedWire {
  readonly payloadBytesMax = PAYLOAD_BYTES_MAX;
  readonly #redisUrl: string;
  readonly #trouble: QuietWarning;
  #publisher: Redis | null = null;
  #subscriber: Redis | null = null;

  constructor(redisUrl: string, log: Logger) {
    this.#redisUrl = redisUrl;
    this.#trouble = new QuietWarning(log, "the feed on Redis has trouble");
  }

  async start(onMessage: (message: FeedMessage) => void): Promise<void> {
    // Previews of the past are worth nothing: what cannot be sent at once is dropped.
    this.#publisher = this.#connect({ enableOfflineQueue: false, maxRetriesPerRequest: 0 });
    const subscriber = this.#connect({ maxRetriesPerRequest: null, autoResubscribe: true });
    this.#subscriber = subscriber;
    const channels = new Map<string, FeedChannel>();
    for (const channel of ["progress", "stop"] as const) {
      channels.set(redisChannel(subscriber, channel), channel);
    }
    subscriber.on("message", (name, payload) => {
      const channel = channels.get(name);
      if (channel !== undefined) onMessage({ channel, payload });
    });
    const subscribed = subscriber.subscribe(...channels.keys());
    if (!(await endsWithin(subscribed, START_LIMIT_MS))) {
      this.#trouble.warn(new Error("not connected yet"));
    }
  }

  async send(messages: readonly FeedMessage[]): Promise<void> {
    const publisher = this.#publisher;
    if (publisher?.status !== "ready") return;
    const pipeline = publisher.pipeline();
    for (const { channel, payload } of messages) {
      pipeline.publish(redisChannel(publisher, channel), payload);
    }
    await pipeline.exec();
  }

  async stop(): Promise<void> {
    this.#publisher?.disconnect();
    this.#subscriber?.disconnect();
  }

  #connect(options: {
    readonly maxRetriesPerRequest: number | null;
    readonly enableOfflineQueue?: boolean;
    readonly autoResubscribe?: boolean;
  }): Redis {
    const redis = new Redis(this.#redisUrl, { ...RECONNECTING, ...options });
    redis.on("error", (error) => this.#trouble.warn(error));
    return redis;
  }
}

/** With the number of the database, because Redis keeps channels apart by their names only. */
function redisChannel(redis: Redis, channel: FeedChannel): string {
  return `dianka:${redis.options.db ?? 0}:${channel}`;
}
