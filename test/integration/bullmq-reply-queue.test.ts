import type { BotKey } from "../../src/core/reply-queue.ts";
import { BullMqReplyQueue } from "../../src/workers/bullmq-reply-queue.ts";
import { createQueueBackend } from "../../src/workers/queue-backend.ts";
import { ReplyWorkers } from "../../src/workers/worker-process.ts";
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
  return {
    queue: new BullMqReplyQueue(backend),
    work(bots, work) {
      for (const [index, bot] of [null, ...bots].entries()) {
        const isFirst = started.length === 0 && index === 0;
        if (bot === null && !isFirst) continue;
        const workers = new ReplyWorkers({
          backend,
          log,
          generateReply:
            bot === null ? { run: (id) => work.generate(id), giveUp: async () => {} } : null,
          deliverReply: {
            run: (delivery) => work.deliver(delivery, bot as BotKey),
            giveUp: async () => {},
          },
        });
        started.push(workers);
        workers.start();
        if (bot !== null) workers.deliverFor(bot);
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((workers) => workers.stop({ timeoutMs: 1_000 })));
      await backend.close();
    },
  };
}
