import pg from "pg";
import { EmbeddedPostgres } from "./embedded-postgres.ts";
import { DATABASE, databaseUrl, postgresLayout, readPassword } from "./postgres-layout.ts";
import { readState } from "./postgres-state.ts";

/** A database that can be used until it is disposed of. */
export interface DatabaseHandle extends AsyncDisposable {
  readonly url: string;
}

/**
 * The database that the program uses, for scripts beside it: `DATABASE_URL`, else the embedded one,
 * started only when no Dianka runs on it. Disposing of it stops what was started here.
 */
export async function findDatabaseUrl(where: {
  readonly databaseUrl: string | null;
  readonly dataDir: string;
}): Promise<DatabaseHandle> {
  const url = where.databaseUrl ?? (await findRunning(where.dataDir));
  return url === null
    ? EmbeddedPostgres.start({ dataDir: where.dataDir })
    : { url, async [Symbol.asyncDispose]() {} };
}

async function findRunning(dataDir: string): Promise<string | null> {
  const layout = postgresLayout(dataDir);
  const state = await readState(layout);
  const password = await readPassword(layout);
  if (state === null || password === null) return null;
  const url = databaseUrl(state.port, password, DATABASE);
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    return url;
  } catch {
    // The file outlived its server, which was killed.
    return null;
  } finally {
    await client.end().catch(() => {});
  }
}
