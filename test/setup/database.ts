import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { EmbeddedPostgres } from "../../src/store/embedded-postgres.ts";
import { migrate } from "../../src/store/migrate.ts";
import { isAlive } from "../../src/store/postmaster-file.ts";

/** What `test/fakes/test-database.ts` copies for each test file. */
const TEMPLATE_DATABASE = "migrated";
const MIGRATIONS_DIR = fileURLToPath(new URL("../../prisma/migrations", import.meta.url));
const FOLDER = /^dianka-test-(\d+)-/;

declare module "vitest" {
  interface ProvidedContext {
    /** The server of this run: its address with the name of a database that nobody uses, and what to copy. */
    readonly database: { readonly url: string; readonly template: string };
  }
}

/** One PostgreSQL a run. Its teardown fails the run when a test left a connection open. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await clearAwayKilledRuns();
  const dataDir = await mkdtemp(join(tmpdir(), `dianka-test-${process.pid}-`));
  const server = await EmbeddedPostgres.start({ dataDir, unsafeFast: true });
  await runOn(server.url, `CREATE DATABASE ${TEMPLATE_DATABASE}`);
  const template = new URL(server.url);
  template.pathname = TEMPLATE_DATABASE;
  await migrate(template.href, MIGRATIONS_DIR);
  project.provide("database", { url: server.url, template: TEMPLATE_DATABASE });
  return async () => {
    try {
      await checkConnections(server.url);
    } finally {
      await server.stop();
      await rm(dataDir, { recursive: true });
    }
  };
}

async function checkConnections(url: string): Promise<void> {
  const rows = await runOn(
    url,
    `SELECT datname, application_name FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname LIKE 'test\\_%'`,
  );
  if (rows.length === 0) return;
  const names = rows.map((row) => `"${row.application_name}" on ${row.datname}`);
  throw new Error(`Tests left database connections open: ${names.join(", ")}`);
}

async function runOn(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, application_name: "test setup" });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** A run that was killed leaves its server and its folder behind. */
async function clearAwayKilledRuns(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = FOLDER.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const dataDir = join(tmpdir(), name);
    try {
      // Starting takes over the server that was left, so that it can be stopped.
      await (await EmbeddedPostgres.start({ dataDir, unsafeFast: true })).stop();
      await rm(dataDir, { recursive: true, force: true });
    } catch {
      // Another user's, or another run clears it away at this moment.
    }
  }
}
