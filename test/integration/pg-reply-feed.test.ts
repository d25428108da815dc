import pg from "pg";
import { expect, it, vi } from "vitest";
import { createPgReplyFeed } from "../../src/workers/pg-reply-feed.ts";
import { assembled, replyFeedContract, text } from "../contract/reply-feed.contract.ts";
import { BreakableProxy } from "../fakes/breakable-proxy.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";
import { blankDatabase } from "../fakes/test-database.ts";

const WAIT = { timeout: 10_000, interval: 20 };
const database = blankDatabase();

async function createFeed(databaseUrl?: string) {
  const { url, pool } = await database;
  const log = new RecordedLog();
  return { feed: createPgReplyFeed({ pool, databaseUrl: databaseUrl ?? url, log }), log };
}

replyFeedContract("The feed on Postgres", async () => {
  const [{ feed: here }, { feed: there }] = await Promise.all([createFeed(), createFeed()]);
  await Promise.all([here.start(), there.start()]);
  return {
    here,
    there,
    async [Symbol.asyncDispose]() {
      await Promise.all([here.stop(), there.stop()]);
    },
  };
});

it("hears again after its connection broke", async () => {
  const { url, pool } = await database;
  const { hostname, port, pathname } = new URL(url);
  await using proxy = new BreakableProxy({ host: hostname, port: Number(port) });
  const address = new URL(url);
  address.host = `127.0.0.1:${await proxy.open()}`;
  address.pathname = pathname;
  const [{ feed: here }, { feed: there, log }] = await Promise.all([
    createFeed(),
    createFeed(address.href),
  ]);
  await Promise.all([here.start(), there.start()]);
  const heard: string[] = [];
  there.subscribeStop((replyId) => heard.push(replyId));

  await pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'dianka feed'",
  );
  const reaches = (replyId: string) =>
    vi.waitFor(() => {
      here.publishStop(replyId);
      expect(heard).toContain(replyId);
    }, WAIT);
  await reaches("after the server closed it");
  await proxy.cut();
  await proxy.open();
  await reaches("after the network was away");
  expect(log.lines.length).toBeLessThanOrEqual(2);
  await Promise.all([here.stop(), there.stop()]);
});

it("neither throws nor waits while the database is away", async () => {
  const log = new RecordedLog();
  const databaseUrl = "postgres://nobody@127.0.0.1:1/none";
  const pool = new pg.Pool({ connectionString: databaseUrl, connectionTimeoutMillis: 500 });
  const feed = createPgReplyFeed({ pool, databaseUrl, log });
  await feed.start();
  const heard: Parameters<typeof assembled>[0][number][] = [];
  feed.subscribeProgress((progress) => heard.push(progress));
  let written = "";
  for (let step = 0; step < 1_000; step += 1) {
    feed.publishProgress(text("1", written.length, `${step} `));
    written += `${step} `;
  }
  expect(assembled(heard)).toEqual({ "1": written });
  await vi.waitFor(() => expect(log.lines.length).toBeGreaterThan(0), WAIT);
  await feed.stop();
  await pool.end();
  expect(log.lines.length).toBeLessThanOrEqual(3);
});
