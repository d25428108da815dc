import { describe, expect, it, onTestFinished } from "vitest";
import { createRedisConnection } from "../../src/store/redis-connection.ts";
import { createQueueBackend } from "../../src/workers/queue-backend.ts";
import { LoadingRedis } from "../fakes/loading-redis.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

const LOADING_MS = 300;
/** Far less than the minute that the server speaks of. */
const READY_MS_MAX = 2_500;

describe("a Redis that is still reading its file", () => {
  it("is used by short commands as soon as it is ready", async () => {
    await using server = await LoadingRedis.start(LOADING_MS);
    const redis = createRedisConnection(server.url, new RecordedLog());
    onTestFinished(() => redis.disconnect());
    const startedMs = performance.now();
    await redis.connect();
    expect(await redis.ping()).toBe("PONG");
    expect(performance.now() - startedMs).toBeLessThan(READY_MS_MAX);
  });

  it("is used by the queue as soon as it is ready", async () => {
    await using server = await LoadingRedis.start(LOADING_MS);
    const log = new RecordedLog();
    const backend = createQueueBackend({ redisUrl: server.url, databaseUrl: "", log });
    onTestFinished(() => backend.close());
    const startedMs = performance.now();
    await backend.waitForQueue(READY_MS_MAX);
    expect(performance.now() - startedMs).toBeLessThan(READY_MS_MAX);
    expect(await backend.isHealthy()).toBe(true);
  });

  it("is not waited for longer than the limit, and the operator hears of it meanwhile", async () => {
    await using server = await LoadingRedis.start(60_000);
    const log = new RecordedLog();
    const backend = createQueueBackend({ redisUrl: server.url, databaseUrl: "", log });
    onTestFinished(() => backend.close());
    await expect(backend.waitForQueue(2_000)).rejects.toThrow(
      /^Redis at 127\.0\.0\.1:\d+ did not answer within 2 s \(no answer yet\): is it running, and is REDIS_URL right\?$/,
    );
    expect(log.lines.map(({ sentence }) => sentence)).toContain("waiting for the queue");
  });
});
