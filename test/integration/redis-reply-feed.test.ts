import { describe, expect, it, vi } from "vitest";
import { createRedisReplyFeed } from "../../src/workers/redis-reply-feed.ts";
import { replyFeedContract, text } from "../contract/reply-feed.contract.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";
import { hasRedisServer, RedisServer } from "../fakes/redis-server.ts";
import { redisUrlOf } from "../fakes/test-redis.ts";

const WAIT = { timeout: 10_000, interval: 20 };
const redisUrl = redisUrlOf("feed");

describe.skipIf(redisUrl === null)("on the Redis of REDIS_URL", () => {
  replyFeedContract("The feed on Redis", async () => {
    const here = createRedisReplyFeed(redisUrl ?? "", new RecordedLog());
    const there = createRedisReplyFeed(redisUrl ?? "", new RecordedLog());
    await Promise.all([here.start(), there.start()]);
    return {
      here,
      there,
      async [Symbol.asyncDispose]() {
        await Promise.all([here.stop(), there.stop()]);
      },
    };
  });
});

describe.skipIf(!hasRedisServer())("on a Redis of its own", () => {
  it("hears again after Redis was restarted", async () => {
    await using server = await RedisServer.start();
    const log = new RecordedLog();
    const here = createRedisReplyFeed(server.url, log);
    const there = createRedisReplyFeed(server.url, new RecordedLog());
    await Promise.all([here.start(), there.start()]);
    const heard: string[] = [];
    there.subscribeStop((replyId) => heard.push(replyId));
    await server.kill();
    here.publishStop("lost");
    here.publishProgress(text("1", 0, "lost"));
    await server.restart();
    await vi.waitFor(() => {
      here.publishStop("heard");
      expect(heard).toContain("heard");
    }, WAIT);
    expect(log.lines.length).toBeLessThanOrEqual(2);
    await Promise.all([here.stop(), there.stop()]);
  });

  it("keeps the databases of one Redis apart", async () => {
    await using server = await RedisServer.start();
    const [here, there, other] = [`${server.url}/1`, `${server.url}/1`, `${server.url}/2`].map(
      (url) => createRedisReplyFeed(url, new RecordedLog()),
    );
    const feeds = [here, there, other].filter((feed) => feed !== undefined);
    await Promise.all(feeds.map((feed) => feed.start()));
    const heard: string[] = [];
    there?.subscribeStop(() => heard.push("there"));
    other?.subscribeStop(() => heard.push("other"));
    here?.publishStop("1");
    await vi.waitFor(() => expect(heard).toContain("there"), WAIT);
    expect(heard).toEqual(["there"]);
    await Promise.all(feeds.map((feed) => feed.stop()));
  });
});

it("starts without Redis, and only says so", async () => {
  const log = new RecordedLog();
  const feed = createRedisReplyFeed("redis://:hunter2@127.0.0.1:1", log);
  await feed.start();
  feed.publishStop("1");
  await feed.stop();
  expect(log.lines.length).toBeGreaterThanOrEqual(1);
  expect(JSON.stringify(log.lines)).not.toContain("hunter2");
});
