import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { DatabaseStartError } from "./database-start-error.ts";

/** The number that Prisma's own command line locks, so that it and we wait for each other. */
const MIGRATION_LOCK = 72_707_369;
const CONNECT_TIMEOUT_MS = 10_000;
/** How long to wait for another process that migrates, and for tables that are in use. */
const LOCK_TIMEOUT_MS = 600_000;
/** PostgreSQL's code for a missing table: https://www.postgresql.org/docs/18/errcodes-appendix.html */
const UNDEFINED_TABLE = "42P01";

/** As Prisma makes it, so that `prisma migrate deploy` agrees about what was applied. */
const CREATE_HISTORY = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id                  VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum            VARCHAR(64) NOT NULL,
  finished_at         TIMESTAMPTZ,
  migration_name      VARCHAR(255) NOT NULL,
  logs                TEXT,
  rolled_back_at      TIMESTAMPTZ,
  started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

interface AppliedMigration {
  readonly name: string;
  readonly checksum: string;
  readonly finished: boolean;
}

/**
 * Brings a database up to date: applies every `<name>/migration.sql` below `migrationsDir` that it
 * does not have yet, in the order of their names, each whole or not at all. Processes that migrate at
 * once wait for each other. Gives the names it applied. Throws `DatabaseStartError` when a migration
 * fails, or when one that was applied has changed since.
 */
export async function migrate(
  connectionString: string,
  migrationsDir: string,
): Promise<readonly string[]> {
  const migrations = await readMigrations(migrationsDir);
  const client = new pg.Client({
    connectionString,
    application_name: "dianka migrate",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
  });
  // A connection that breaks fails the query that waits on it; there is nobody else to tell.
  client.on("error", () => {});
  await client.connect();
  try {
    const applied: string[] = [];
    for (const migration of pendingOf(migrations, await readHistory(client))) {
      if (await apply(client, migration)) applied.push(migration.name);
    }
    return applied;
  } finally {
    await client.end();
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(folder, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

async function readHistory(client: pg.Client): Promise<AppliedMigration[]> {
  try {
    const { rows } = await client.query<AppliedMigration>(
      `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
      FROM _prisma_migrations WHERE rolled_back_at IS NULL`,
    );
    return rows;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === UNDEFINED_TABLE) return [];
    throw error;
  }
}

/** A database may know more migrations than we do: a newer version used it, and we were rolled back. */
function pendingOf(
  migrations: readonly Migration[],
  history: readonly AppliedMigration[],
): Migration[] {
  const applied = new Map(history.map((entry) => [entry.name, entry]));
  return migrations.filter(({ name, checksum }) => {
    const entry = applied.get(name);
    if (entry === undefined) return true;
    if (!entry.finished) {
      throw new DatabaseStartError(
        `The migration ${name} was begun by another program and did not finish: repair the database, then tell it with "prisma migrate resolve".`,
      );
    }
    if (entry.checksum !== checksum) {
      throw new DatabaseStartError(
        `The migration ${name} was changed after it was applied to this database: restore its file, and put the change into a migration of its own.`,
      );
    }
    return false;
  });
}

/** False when another process applied it while we waited for our turn. */
async function apply(client: pg.Client, migration: Migration): Promise<boolean> {
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await client.query(CREATE_HISTORY);
    const isPending = pendingOf([migration], await readHistory(client)).length === 1;
    if (isPending) await run(client, migration);
    await client.query("COMMIT");
    return isPending;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
}

async function run(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  const startedAt = new Date();
  try {
    await client.query(sql);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DatabaseStartError(`The migration ${name} failed and was undone: ${reason}.`, {
      cause: error,
    });
  }
  await client.query(
    `INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
    VALUES ($1, $2, clock_timestamp(), $3, $4, 1)`,
    [randomUUID(), checksum, name, startedAt],
  );
}
