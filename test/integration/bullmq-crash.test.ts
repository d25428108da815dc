import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { BullMqReplyQueue } from "../../src/workers/bullmq-reply-queue.ts";
import { createQueueBackend } from "../../src/workers/queue-backend.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";
import { blankDatabase } from "../fakes/test-database.ts";
import { redisUrlOf } from "../fakes/test-redis.ts";

const WORKER = fileURLToPath(new URL("../fakes/crashing-worker.main.ts", import.meta.url));
const WAIT = { timeout: 15_000, interval: 10 };
const TAKEOVER_MS_MAX = 8_000;
const redisUrl = redisUrlOf("queue crash");

interface WorkerProcess {
  readonly lines: string[];
  kill(): Promise<void>;
}

const processes: ChildProcess[] = [];
afterEach(async () => {
  for (const child of processes.splice(0)) await kill(child);
});

describe.each([
  { name: "Postgres", redis: null },
  ...(redisUrl === null ? [] : [{ name: "Redis", redis: redisUrl }]),
])("a worker killed on $name", ({ redis }) => {
  it("loses its running jobs to another worker, and each takes effect once", async () => {
    await using database = await blankDatabase();
    await database.pool.query("create table effect (id uuid primary key)");
    const log = new RecordedLog();
    const backend = createQueueBackend({ redisUrl: redis, databaseUrl: database.url, log });
    await backend.waitForQueue(5_000);
    const queue = new BullMqReplyQueue(backend);

    const victim = await startWorker("hang", database.url, redis);
    const replyIds = Array.from({ length: 3 }, () => randomUUID()).toSorted();
    for (const replyId of replyIds) await queue.addReply(replyId);
    const started = replyIds.map((replyId) => `started ${replyId} 1`);
    await vi.waitFor(() => expect(victim.lines).toEqual(expect.arrayContaining(started)), WAIT);
    const heir = await startWorker("work", database.url, redis);

    await victim.kill();
    const killedAtMs = performance.now();
    const done = replyIds.map((replyId) => `done ${replyId}`);
    await vi.waitFor(() => expect(heir.lines).toEqual(expect.arrayContaining(done)), WAIT);
    expect(performance.now() - killedAtMs).toBeLessThan(TAKEOVER_MS_MAX);

    const { rows } = await database.pool.query("select id from effect order by id");
    expect(rows.map(({ id }) => id)).toEqual(replyIds);
    // Each was started once more, as a further attempt of the same job, and none was given up.
    expect(heir.lines.filter((line) => line.startsWith("started")).toSorted()).toEqual(
      replyIds.map((replyId) => `started ${replyId} 2`),
    );
    expect(heir.lines.filter((line) => line.startsWith("gave-up"))).toEqual([]);
    await heir.kill();
    await backend.close();
  });
});

async function startWorker(
  run: "hang" | "work",
  databaseUrl: string,
  redis: string | null,
): Promise<WorkerProcess> {
  const { REDIS_URL: _, ...env } = process.env;
  const child = spawn(process.execPath, [WORKER], {
    env: {
      ...env,
      RUN: run,
      DATABASE_URL: databaseUrl,
      ...(redis === null ? {} : { REDIS_URL: redis }),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  processes.push(child);
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  await vi.waitFor(() => expect(lines).toContain("ready"), WAIT);
  return { lines, kill: () => kill(child) };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
