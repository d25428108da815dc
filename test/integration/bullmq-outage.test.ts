import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BullMqReplyQueue } from "../../src/workers/bullmq-reply-queue.ts";
import type { QueueBackend } from "../../src/workers/job-queue.ts";
import { createQueueBackend } from "../../src/workers/queue-backend.ts";
import { ReplyWorkers } from "../../src/workers/worker-process.ts";
import { BreakableProxy } from "../fakes/breakable-proxy.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";
import { hasRedisServer, RedisServer } from "../fakes/redis-server.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";
import { redisUrlOf } from "../fakes/test-redis.ts";

const WAIT = { timeout: 15_000, interval: 10 };
const ADD_MS_MAX = 3_500;
const redisUrl = redisUrlOf("queue outage");
const bots = Array.from({ length: 20 }, (_, index) => ({ platform: "telegram", bot: `${index}` }));

/** The address of the proxy with the rest of the URL as it was. */
const through = (url: string, port: number): string => {
  const address = new URL(url);
  address.host = `127.0.0.1:${port}`;
  return address.href;
};
const targetOf = (url: string) => {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
};

async function breakThenEnd(proxy: BreakableProxy, end: () => void): Promise<void> {
  await proxy.cut();
  end();
  await proxy.open();
}

async function endThenBreak(proxy: BreakableProxy, end: () => void): Promise<void> {
  proxy.freeze();
  end();
  // The worker writes what it has to tell, which nobody reads any more.
  await setImmediate();
  proxy.drop();
}

class Program {
  readonly log = new RecordedLog();
  readonly runs: string[] = [];
  readonly aborted: string[] = [];
  readonly backend: QueueBackend;
  readonly queue: BullMqReplyQueue;
  readonly workers: ReplyWorkers;
  onRun: (replyId: string) => Promise<void> = async () => {};

  constructor(urls: { readonly databaseUrl: string; readonly redisUrl: string | null }) {
    this.backend = createQueueBackend({ ...urls, log: this.log });
    this.queue = new BullMqReplyQueue(this.backend);
    this.workers = new ReplyWorkers({
      backend: this.backend,
      log: this.log,
      generateReply: {
        run: async (replyId, { signal }) => {
          this.runs.push(replyId);
          signal.addEventListener("abort", () => this.aborted.push(replyId));
          await this.onRun(replyId);
        },
        giveUp: async () => {},
      },
      deliverReply: { run: async ({ id }) => void this.runs.push(id), giveUp: async () => {} },
    });
  }

  async start(): Promise<void> {
    await this.backend.waitForQueue(5_000);
    this.workers.start();
  }

  async runsOne(): Promise<void> {
    const replyId = randomUUID();
    await expect
      .poll(() => this.queue.addReply(replyId).catch((error) => error), WAIT)
      .toBe(undefined);
    await vi.waitFor(() => expect(this.runs).toContain(replyId), WAIT);
  }

  async stop(): Promise<void> {
    await this.workers.stop({ timeoutMs: 0 });
    await this.backend.close();
  }
}

describe.each([
  { name: "Postgres", isRedis: false },
  ...(redisUrl === null ? [] : [{ name: "Redis", isRedis: true }]),
])("while $name is away", ({ isRedis }) => {
  let database: TestDatabase;
  let proxy: BreakableProxy;
  let program: Program;

  beforeEach(async () => {
    database = await blankDatabase();
    const url = isRedis && redisUrl !== null ? redisUrl : database.url;
    proxy = new BreakableProxy(targetOf(url));
    const broken = through(url, await proxy.open());
    program = new Program({
      databaseUrl: isRedis ? database.url : broken,
      redisUrl: isRedis ? broken : null,
    });
    await program.start();
  });
  afterEach(async () => {
    await program.stop();
    await proxy[Symbol.asyncDispose]();
  });

  const isInQueue = async (replyId: string): Promise<boolean> => {
    if (!isRedis || redisUrl === null) {
      const { rows } = await database.pool.query("select from bullmq.job where id = $1", [replyId]);
      return rows.length > 0;
    }
    const client = new Redis(redisUrl);
    const found = await client.exists(`dianka:replies:${replyId}`);
    client.disconnect();
    return found > 0;
  };

  it("refuses a job within three seconds, and warns a few times, not at every attempt", async () => {
    await program.runsOne();
    await proxy.cut();
    const startedAtMs = performance.now();
    await expect(program.queue.addReply(randomUUID())).rejects.toMatchObject({
      name: "OutsideError",
      party: "queue",
      kind: "unreachable",
    });
    expect(performance.now() - startedAtMs).toBeLessThan(ADD_MS_MAX);
    await proxy.open();
    await program.runsOne();
    const warnings = program.log.lines.filter(({ level }) => level === "warn");
    expect(warnings.length).toBeGreaterThanOrEqual(1);
    expect(warnings.length).toBeLessThanOrEqual(3);
    expect(program.log.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("refuses a job within three seconds when nothing answers any more", async () => {
    await program.runsOne();
    proxy.freeze();
    const startedAtMs = performance.now();
    await expect(program.queue.addReply(randomUUID())).rejects.toMatchObject({ party: "queue" });
    expect(performance.now() - startedAtMs).toBeLessThan(ADD_MS_MAX);
    proxy.drop();
    await program.runsOne();
  });

  it.each([
    { when: "before it ends", breakAndEnd: breakThenEnd },
    { when: "while its end is told", breakAndEnd: endThenBreak },
  ])("keeps what runs, and runs it once, when the connection breaks $when", async (given) => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const replyId = randomUUID();
    program.onRun = (id) => (id === replyId ? ended : Promise.resolve());
    await program.queue.addReply(replyId);
    // Redis may still have a job whose end an earlier program could not tell.
    await vi.waitFor(() => expect(program.runs).toContain(replyId), WAIT);
    await given.breakAndEnd(proxy, end);
    await program.runsOne();
    await vi.waitFor(async () => expect(await isInQueue(replyId)).toBe(false), WAIT);
    expect(program.runs.filter((id) => id === replyId)).toHaveLength(1);
    expect(program.aborted).toEqual([]);
  });

  it("is not healthy, and stops without waiting for what does not run", async () => {
    await program.runsOne();
    expect(await program.workers.isHealthy()).toBe(true);
    await proxy.cut();
    expect(await program.workers.isHealthy()).toBe(false);
    const startedAtMs = performance.now();
    await program.workers.stop({ timeoutMs: 60_000 });
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
  });
});

describe("the queue on Postgres", () => {
  it("needs few connections however many bots there are", async () => {
    await using database = await blankDatabase();
    const program = new Program({ databaseUrl: database.url, redisUrl: null });
    await program.start();
    for (const bot of bots) program.workers.deliverFor(bot);
    const ids = bots.map(() => randomUUID());
    await Promise.all(
      bots.map((bot, index) =>
        program.queue.addDelivery(bot, { kind: "reply", id: ids[index] ?? "" }),
      ),
    );
    await vi.waitFor(() => expect(program.runs.toSorted()).toEqual(ids.toSorted()), WAIT);
    const { rows } = await database.pool.query(
      "select count(*)::int as count from pg_stat_activity where datname = current_database() and application_name = 'dianka queue'",
    );
    expect(rows[0]?.count).toBeLessThanOrEqual(5);
    await program.stop();
  });

  it("wakes its workers after the server ended all connections", async () => {
    await using database = await blankDatabase();
    const program = new Program({ databaseUrl: database.url, redisUrl: null });
    await program.start();
    await program.runsOne();
    await database.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'dianka queue'",
    );
    await program.runsOne();
    // Woken by a notification: polling alone would take up to five seconds a job.
    const startedAtMs = performance.now();
    for (let count = 0; count < 10; count += 1) await program.runsOne();
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
    await program.stop();
  });
});

describe("a queue that does not answer at the start", () => {
  it.each([
    { name: "Redis", url: "redis://:hunter2@127.0.0.1:1", variable: "REDIS_URL" },
    { name: "Postgres", url: "postgres://me:hunter2@127.0.0.1:1/x", variable: "DATABASE_URL" },
  ])("is named with what to look at, without its password: $name", async (given) => {
    const log = new RecordedLog();
    const backend = createQueueBackend({
      redisUrl: given.name === "Redis" ? given.url : null,
      databaseUrl: given.url,
      log,
    });
    const failure = await backend.waitForQueue(3_500).catch((error) => error);
    expect(failure.message).toContain("127.0.0.1:1");
    expect(failure.message).toContain(given.variable);
    await backend.close();
    expect(log.lines.filter(({ sentence }) => sentence === "waiting for the queue")).toHaveLength(
      1,
    );
    expect(JSON.stringify([failure.message, log.lines])).not.toContain("hunter2");
  });

  it("is waited for", async () => {
    await using database = await blankDatabase();
    await using proxy = new BreakableProxy(targetOf(database.url));
    const address = through(database.url, await proxy.open());
    await proxy.cut();
    const backend = createQueueBackend({
      redisUrl: null,
      databaseUrl: address,
      log: new RecordedLog(),
    });
    const waiting = backend.waitForQueue(10_000);
    await proxy.open();
    await waiting;
    expect(await backend.isHealthy()).toBe(true);
    await backend.close();
  });
});

describe.skipIf(!hasRedisServer())("a Redis of its own", () => {
  it("is restarted, and workers go on with what it kept", async () => {
    await using server = await RedisServer.start();
    const program = new Program({
      databaseUrl: "postgres://127.0.0.1:1/none",
      redisUrl: server.url,
    });
    await program.start();
    program.workers.deliverFor({ platform: "telegram", bot: "1" });
    await program.runsOne();
    await server.stop();
    await expect(program.queue.addReply(randomUUID())).rejects.toMatchObject({ party: "queue" });
    await server.restart();
    await program.runsOne();
    const id = randomUUID();
    await program.queue.addDelivery({ platform: "telegram", bot: "1" }, { kind: "reply", id });
    await vi.waitFor(() => expect(program.runs).toContain(id), WAIT);
    await program.stop();
  });

  it("is killed with jobs in it, and loses none that its log has", async () => {
    await using server = await RedisServer.start();
    const program = new Program({
      databaseUrl: "postgres://127.0.0.1:1/none",
      redisUrl: server.url,
    });
    await program.backend.waitForQueue(5_000);
    const replyIds = Array.from({ length: 20 }, () => randomUUID());
    for (const replyId of replyIds) await program.queue.addReply(replyId);
    await server.kill();
    await server.restart();
    program.workers.start();
    await vi.waitFor(() => expect(program.runs.toSorted()).toEqual(replyIds.toSorted()), WAIT);
    await program.stop();
  });
});
