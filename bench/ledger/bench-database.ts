import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { EmbeddedPostgres } from "../../src/store/embedded-postgres.ts";
import { migrate } from "../../src/store/migrate.ts";

export const ACCOUNTS = 10_000;
const MIGRATIONS_DIR = fileURLToPath(new URL("../../prisma/migrations", import.meta.url));

/** A server of its own on disk, as careful as in production: nothing is answered before it is flushed. */
export interface BenchDatabase extends AsyncDisposable {
  /** Dianka's tables with `ACCOUNTS` accounts that each own one large lot. */
  readonly ledgerUrl: string;
  /** One table `wallet (id, balance)` with as many rows. */
  readonly walletUrl: string;
  readonly version: string;
}

export async function openBenchDatabase(): Promise<BenchDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), "dianka-bench-"));
  const server = await EmbeddedPostgres.start({ dataDir });
  await migrate(server.url, MIGRATIONS_DIR);
  const walletUrl = new URL(server.url);
  walletUrl.pathname = "/wallet";
  const version = await fillLedger(server.url);
  await fillWallet(walletUrl.href);
  return {
    ledgerUrl: server.url,
    walletUrl: walletUrl.href,
    version,
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Account number `index`. */
export function accountId(index: number): string {
  return `A${String(index).padStart(9, "0")}`;
}

async function fillLedger(url: string): Promise<string> {
  return onServer(url, async (client) => {
    await client.query("CREATE DATABASE wallet");
    await client.query(
      "INSERT INTO account (id) SELECT 'A' || lpad(n::text, 9, '0') FROM generate_series(0, $1::int - 1) n",
      [ACCOUNTS],
    );
    await client.query(
      `SELECT grant_lot(uuid_by_time(), 'bench:' || id, id, 'credit', 5::smallint, 50::smallint,
        1000000000000, NULL, NULL, 'promotions', 'bench') FROM account`,
    );
    await client.query("VACUUM ANALYZE account, lot, entry");
    const { rows } = await client.query<{ version: string }>(
      "SELECT current_setting('server_version') AS version",
    );
    return rows[0]?.version ?? "";
  });
}

async function fillWallet(url: string): Promise<void> {
  await onServer(url, async (client) => {
    await client.query("CREATE TABLE wallet (id int PRIMARY KEY, balance bigint NOT NULL)");
    await client.query(
      "INSERT INTO wallet SELECT n, 1000000000000 FROM generate_series(1, $1::int) n",
      [ACCOUNTS],
    );
    await client.query("VACUUM ANALYZE wallet");
  });
}

async function onServer<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url, application_name: "bench" });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
