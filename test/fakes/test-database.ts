import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { expect, inject } from "vitest";
import { createPgPool } from "../../src/store/pg-pool.ts";

const POOL_SIZE = 10;
const CLOSE_TIMEOUT_MS = 3_000;
const CLOSE_POLL_MS = 20;

/**
 * A database of its own for one test. It goes away with `await using`, else at the end of the test
 * file, and fails the test that leaves a connection to it open.
 */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly pool: pg.Pool;
}

const open = new Set<TestDatabase>();

/** With all tables and no rows. */
export function emptyDatabase(): Promise<TestDatabase> {
  return createDatabase(inject("database").template);
}

/** Without tables, as an operator's new database is. */
export function blankDatabase(): Promise<TestDatabase> {
  return createDatabase("template0");
}

/** Called after each test file. */
export async function disposeDatabases(): Promise<void> {
  for (const database of open) await database[Symbol.asyncDispose]();
}

async function createDatabase(template: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  await onServer((client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  const address = new URL(inject("database").url);
  address.pathname = name;
  const applicationName = `test pool of ${basename(expect.getState().testPath ?? "")}`;
  const pool = createPgPool(address.href, { max: POOL_SIZE, applicationName });
  const database: TestDatabase = {
    url: address.href,
    pool,
    async [Symbol.asyncDispose]() {
      if (!open.delete(database)) return;
      if (!pool.ended) await pool.end();
      await onServer(async (client) => {
        const leftOpen = await connectionsLeft(client, name);
        await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
        if (leftOpen.length > 0) {
          throw new Error(`The test left connections to its database open: ${leftOpen.join(", ")}`);
        }
      });
    },
  };
  open.add(database);
  return database;
}

/** Names of the connections that stay; one that was closed takes a moment to disappear. */
async function connectionsLeft(client: pg.Client, name: string): Promise<string[]> {
  for (let waitedMs = 0; ; waitedMs += CLOSE_POLL_MS) {
    const { rows } = await client.query<{ application_name: string }>(
      "SELECT application_name FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'",
      [name],
    );
    if (rows.length === 0 || waitedMs >= CLOSE_TIMEOUT_MS)
      return rows.map((row) => `"${row.application_name}"`);
    await sleep(CLOSE_POLL_MS);
  }
}

async function onServer<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({
    connectionString: inject("database").url,
    application_name: "test database",
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
