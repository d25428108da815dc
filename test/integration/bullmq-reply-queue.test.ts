import type { Delivery } from "../../src/core/reply-queue.ts";
import { BullMqReplyQueue } from "../../src/workers/bullmq-reply-queue.ts";
import { createQueueBackend } from "../../src/workers/queue-backend.ts";
import { ReplyWorkers, type ReplyWorkersOptions } from "../../src/workers/worker-process.ts";
import { type QueueUnderTest, replyQueueContract } from "../contract/reply-queue.contract.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";
import { blankDatabase } from "../fakes/test-database.ts";
import { redisUrlOf } from "../fakes/test-redis.ts";

const database = blankDatabase();
replyQueueContract("BullMqReplyQueue on Postgres", () => createOn(null));

const redisUrl = redisUrlOf("queue contract");
if (redisUrl !== null) replyQueueContract("BullMqReplyQueue on Redis", () => createOn(redisUrl));

async function createOn(redis: string | null): Promise<QueueUnderTest> {
  const log = new RecordedLog();
  const { url } = await database;
  const backend = createQueueBackend({ redisUrl: redis, databaseUrl: url, log });
  await backend.waitForQueue(5_000);
  const started: ReplyWorkers[] = [];
  const start = (work: Pick<ReplyWorkersOptions, "generateReply" | "deliverReply">) => {
    const workers = new ReplyWorkers({ backend, log, ...work });
    started.push(workers);
    workers.start();
    return workers;
  };
  const giveUp = async (): Promise<void> => {};
  return {
    queue: new BullMqReplyQueue(backend),
    work(bots, work) {
      const isFirst = started.length === 0;
      const generateReply = { run: (replyId: string) => work.generate(replyId), giveUp };
      if (isFirst) start({ generateReply, deliverReply: null });
      for (const bot of bots) {
        const deliverReply = { run: (delivery: Delivery) => work.deliver(delivery, bot), giveUp };
        start({ generateReply: null, deliverReply }).deliverFor(bot);
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((workers) => workers.stop({ timeoutMs: 1_000 })));
      await backend.close();
    },
  };
}
