import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OutsideError, UserError } from "../../src/core/errors.ts";
import { BullMqReplyQueue } from "../../src/workers/bullmq-reply-queue.ts";
import type { GenerateReplyContext } from "../../src/workers/generate-reply.worker.ts";
import type { QueueBackend } from "../../src/workers/job-queue.ts";
import { LOCK_MS, LOCK_RENEW_MS } from "../../src/workers/jobs.ts";
import { createQueueBackend } from "../../src/workers/queue-backend.ts";
import { ReplyWorkers } from "../../src/workers/worker-process.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";
import { blankDatabase } from "../fakes/test-database.ts";
import { redisUrlOf } from "../fakes/test-redis.ts";

const WAIT = { timeout: 12_000, interval: 10 };
/** As a platform or an upstream says it, so that a retry comes at once. */
const retryNow = () => new OutsideError("upstream", "overloaded", { retryAfterMs: 1 });
const database = blankDatabase();
const redisUrl = redisUrlOf("queue workers");

describe.each([
  { name: "Postgres", redis: null },
  ...(redisUrl === null ? [] : [{ name: "Redis", redis: redisUrl }]),
])("workers on $name", ({ redis }) => {
  let log: RecordedLog;
  let backend: QueueBackend;
  let queue: BullMqReplyQueue;
  let started: ReplyWorkers[];

  beforeEach(async () => {
    log = new RecordedLog();
    const { url } = await database;
    backend = createQueueBackend({ redisUrl: redis, databaseUrl: url, log });
    await backend.waitForQueue(5_000);
    queue = new BullMqReplyQueue(backend);
    started = [];
  });
  afterEach(async () => {
    await Promise.all(started.map((workers) => workers.stop({ timeoutMs: 0 })));
    await emptyQueue();
    await backend.close();
  });

  const onRedis = async <Result>(url: string, ask: (client: Redis) => Promise<Result>) => {
    const client = new Redis(url);
    try {
      return await ask(client);
    } finally {
      client.disconnect();
    }
  };
  const emptyQueue = async (): Promise<void> => {
    if (redis !== null) await onRedis(redis, (client) => client.flushdb());
    else await (await database).pool.query("truncate bullmq.job cascade");
  };
  /** For how long the worker that has the job is still taken to live. */
  const lockLeftMs = async (replyId: string): Promise<number> => {
    if (redis !== null) {
      return onRedis(redis, (client) => client.pttl(`dianka:replies:${replyId}:lock`));
    }
    const { rows } = await (await database).pool.query(
      "select locked_until_ms::float8 as until_ms from bullmq.job where id = $1",
      [replyId],
    );
    return rows[0]?.until_ms - Date.now();
  };

  interface Work {
    readonly runs: (GenerateReplyContext & { readonly replyId: string })[];
    readonly givenUp: { readonly replyId: string; readonly error: unknown }[];
    readonly workers: ReplyWorkers;
  }
  const startWorkers = (
    run: (context: GenerateReplyContext) => Promise<void>,
    giveUp: () => Promise<void> = async () => {},
  ): Work => {
    const work: Omit<Work, "workers"> = { runs: [], givenUp: [] };
    const workers = new ReplyWorkers({
      backend,
      log,
      generateReply: {
        run(replyId, context) {
          work.runs.push({ ...context, replyId });
          return run(context);
        },
        giveUp(replyId, error) {
          work.givenUp.push({ replyId, error });
          return giveUp();
        },
      },
      deliverReply: {
        run: (delivery, signal) =>
          run({ attempt: 1, isLastAttempt: false, signal }).then(() => {
            work.runs.push({ attempt: 1, isLastAttempt: false, signal, replyId: delivery.id });
          }),
        giveUp,
      },
    });
    started.push(workers);
    workers.start();
    return { ...work, workers };
  };
  const untilRuns = (work: Work, count: number) =>
    vi.waitFor(() => expect(work.runs.length).toBeGreaterThanOrEqual(count), WAIT);
  const untilAborted = ({ signal }: GenerateReplyContext): Promise<void> =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(new OutsideError("worker", "overloaded")));
    });

  it("runs a reply again when the failure may pass", async () => {
    const work = startWorkers(async ({ attempt }) => {
      if (attempt === 1) throw retryNow();
    });
    await queue.addReply(randomUUID());
    await untilRuns(work, 2);
    expect(work.runs).toMatchObject([
      { attempt: 1, isLastAttempt: false },
      { attempt: 2, isLastAttempt: false },
    ]);
    expect(work.givenUp).toEqual([]);
  });

  it("gives a reply up once its last attempt failed", async () => {
    const work = startWorkers(async () => {
      throw retryNow();
    });
    const replyId = randomUUID();
    await queue.addReply(replyId);
    await vi.waitFor(() => expect(work.givenUp).toHaveLength(1), WAIT);
    expect(work.runs.map((run) => run.isLastAttempt)).toEqual([false, false, false, true]);
    expect(work.givenUp).toMatchObject([{ replyId, error: { party: "upstream" } }]);
  });

  it.each([
    { what: "a refusal", error: new OutsideError("upstream", "rejected"), level: "warn" },
    { what: "what the person did", error: new UserError("insufficient_credit"), level: "info" },
    { what: "a bug", error: new TypeError("undefined is not a function"), level: "error" },
  ])("gives a reply up at once after $what", async ({ error, level }) => {
    const work = startWorkers(async () => {
      throw error;
    });
    await queue.addReply(randomUUID());
    await vi.waitFor(() => expect(work.givenUp).toHaveLength(1), WAIT);
    expect(work.givenUp[0]?.error).toBe(error);
    expect(work.runs).toHaveLength(1);
    expect(log.lines).toContainEqual(expect.objectContaining({ level, sentence: "job failed" }));
  });

  it("frees the id of a reply that was given up", async () => {
    const work = startWorkers(async () => {
      throw new OutsideError("upstream", "rejected");
    });
    const replyId = randomUUID();
    await expect
      .poll(async () => {
        await queue.addReply(replyId);
        return work.givenUp.length;
      }, WAIT)
      .toBeGreaterThanOrEqual(2);
  });

  it("keeps a reply that could not even be given up", async () => {
    let isDatabaseAway = true;
    const work = startWorkers(
      async () => {
        throw new OutsideError("upstream", "rejected");
      },
      async () => {
        if (isDatabaseAway) throw new Error("the database is away");
      },
    );
    await queue.addReply(randomUUID());
    await vi.waitFor(() => expect(work.givenUp).toHaveLength(1), WAIT);
    isDatabaseAway = false;
    await vi.waitFor(() => expect(work.givenUp).toHaveLength(2), WAIT);
  });

  it("lets what runs come to its end when it stops", async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const work = startWorkers(() => ended);
    await queue.addReply(randomUUID());
    await untilRuns(work, 1);
    const stopped = work.workers.stop({ timeoutMs: 60_000 });
    end();
    await stopped;
    const [run] = work.runs;
    expect(run?.signal.aborted).toBe(false);
    const next = startWorkers(async () => {});
    const last = randomUUID();
    await queue.addReply(last);
    await untilRuns(next, 1);
    expect(next.runs.map(({ replyId }) => replyId)).toEqual([last]);
  });

  it("hands what does not end in time to the next process at once", async () => {
    const work = startWorkers(untilAborted);
    const replyIds = Array.from({ length: 5 }, () => randomUUID());
    for (const replyId of replyIds) await queue.addReply(replyId);
    await untilRuns(work, 5);
    await work.workers.stop({ timeoutMs: 0 });
    const stoppedAtMs = performance.now();
    const next = startWorkers(async () => {});
    await untilRuns(next, 5);
    expect(performance.now() - stoppedAtMs).toBeLessThan(2_500);
    expect(next.runs.map(({ replyId }) => replyId).toSorted()).toEqual(replyIds.toSorted());
    expect(next.runs.every(({ attempt, isLastAttempt }) => attempt > 1 && !isLastAttempt)).toBe(
      true,
    );
    expect(work.givenUp).toEqual([]);
  });

  it("does not wait any longer once it is hurried", async () => {
    const work = startWorkers(untilAborted);
    await queue.addReply(randomUUID());
    await untilRuns(work, 1);
    const hurry = new AbortController();
    const stopped = work.workers.stop({ timeoutMs: 60_000, hurry: hurry.signal });
    expect(work.runs[0]?.signal.aborted).toBe(false);
    hurry.abort();
    await stopped;
    expect(work.runs[0]?.signal.aborted).toBe(true);
  });

  it("stops in time although a run does not listen, and loses its job within seconds", async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const work = startWorkers(() => ended);
    await queue.addReply(randomUUID());
    await untilRuns(work, 1);
    await work.workers.stop({ timeoutMs: 100 });
    const next = startWorkers(async () => {});
    await untilRuns(next, 1);
    end();
  });

  it("takes nothing new while it stops", async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const work = startWorkers(() => ended);
    await queue.addReply(randomUUID());
    await untilRuns(work, 1);
    const stopped = work.workers.stop({ timeoutMs: 60_000 });
    const next = startWorkers(async () => {});
    for (let count = 0; count < 10; count += 1) await queue.addReply(randomUUID());
    await untilRuns(next, 10);
    expect(work.runs).toHaveLength(1);
    end();
    await stopped;
  });

  it("keeps its jobs although the process does not get to run for a second and a half", async () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const work = startWorkers(() => ended);
    const replyId = randomUUID();
    await queue.addReply(replyId);
    await untilRuns(work, 1);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
    // At most a second is left of the lock until it is renewed.
    const renewedMs = LOCK_MS - LOCK_RENEW_MS;
    await vi.waitFor(
      async () => expect(await lockLeftMs(replyId)).toBeGreaterThan(renewedMs),
      WAIT,
    );
    expect(work.runs).toHaveLength(1);
    expect(work.runs[0]?.signal.aborted).toBe(false);
    end();
  });

  it("ends a run whose job was lost", async () => {
    const work = startWorkers(untilAborted);
    const replyId = randomUUID();
    await queue.addReply(replyId);
    await untilRuns(work, 1);
    await emptyQueue();
    await vi.waitFor(() => expect(work.runs[0]?.signal.aborted).toBe(true), WAIT);
    expect(work.givenUp).toEqual([]);
  });

  it("goes on after the queue was emptied", async () => {
    const work = startWorkers(async () => {});
    await queue.addReply(randomUUID());
    await untilRuns(work, 1);
    await emptyQueue();
    await queue.addReply(randomUUID());
    await untilRuns(work, 2);
  });

  it("delivers for a bot until that is stopped", async () => {
    const bot = { platform: "telegram", bot: "1" };
    const work = startWorkers(async () => {});
    work.workers.deliverFor(bot);
    const [first, second] = [randomUUID(), randomUUID()];
    await queue.addDelivery(bot, { kind: "reply", id: first });
    await untilRuns(work, 1);
    await work.workers.stopDeliveringFor(bot, { timeoutMs: 1_000 });
    await queue.addDelivery(bot, { kind: "reply", id: second });
    await queue.addReply(randomUUID());
    await untilRuns(work, 2);
    expect(work.runs.some(({ replyId }) => replyId === second)).toBe(false);
    work.workers.deliverFor(bot);
    await untilRuns(work, 3);
  });

  it("refuses a second worker for the same bot", async () => {
    const work = startWorkers(async () => {});
    work.workers.deliverFor({ platform: "telegram", bot: "1" });
    expect(() => work.workers.deliverFor({ platform: "telegram", bot: "1" })).toThrow(/already/);
  });

  it("knows whether it is healthy", async () => {
    const work = startWorkers(async () => {});
    expect(await work.workers.isHealthy()).toBe(true);
    await work.workers.stop({ timeoutMs: 0 });
    await backend.close();
    expect(await work.workers.isHealthy()).toBe(false);
  });
});
