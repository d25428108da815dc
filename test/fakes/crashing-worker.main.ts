import pg from "pg";
import { createQueueBackend } from "../../src/workers/queue-backend.ts";
import { ReplyWorkers } from "../../src/workers/worker-process.ts";
import { RecordedLog } from "./recorded-log.ts";

/**
 * A worker process for tests to kill. It says on its output what it starts and what it has done;
 * its effect on the world is a row, written once however often it is tried, as ours are.
 *
 * `RUN` is "hang" (never ends a job) or "work".
 */
const { DATABASE_URL = "", REDIS_URL, RUN } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 2 });
const log = new RecordedLog();
const backend = createQueueBackend({ redisUrl: REDIS_URL ?? null, databaseUrl: DATABASE_URL, log });
await backend.waitForQueue(10_000);

const workers = new ReplyWorkers({
  backend,
  log,
  generateReply: {
    async run(replyId, { attempt }) {
      console.log(`started ${replyId} ${attempt}`);
      if (RUN === "hang") await new Promise(() => {});
      await pool.query("insert into effect (id) values ($1) on conflict do nothing", [replyId]);
      console.log(`done ${replyId}`);
    },
    async giveUp(replyId) {
      console.log(`gave-up ${replyId}`);
    },
  },
  deliverReply: null,
});
workers.start();
console.log("ready");
