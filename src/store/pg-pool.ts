import { createHash } from "node:crypto";
import pg from "pg";

/** Longer than any query of ours takes; one that is stuck must not hold its connection for good. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** How long a caller waits for a connection, a new one or one that becomes free. */
const CONNECTION_TIMEOUT_MS = 10_000;
/** A transaction whose program forgot it keeps rows locked. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;
const PREPARED_NAME_LENGTH = 32;

/** The type `bigint[]`, which pg does not name: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/catalog/pg_type.dat */
const INT8_ARRAY = 1016;

/** Who connects, and how often at once. */
export interface PgPoolOptions {
  /** Connections at once. */
  readonly max: number;
  /** What the database calls us in `pg_stat_activity`. */
  readonly applicationName: string;
}

/** A query in the form that `pg` prepares once a connection and then only names. */
export interface PreparedQuery {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

const parsers = new pg.TypeOverrides();
parsers.setTypeParser(pg.types.builtins.INT8, (text) => BigInt(text));
parsers.setTypeParser(INT8_ARRAY, parseBigIntList);

/** PostgreSQL writes a list of numbers as `{1,NULL,-3}`; lists of lists are not ours. */
function parseBigIntList(text: string): (bigint | null)[] {
  const items = text.slice(1, -1);
  if (items === "") return [];
  return items.split(",").map((item) => (item === "NULL" ? null : BigInt(item)));
}

/**
 * Connections to one database, for queries that Prisma does not make. A 64-bit integer comes back as
 * `bigint`, in this pool only. A connection that breaks while idle is replaced; queries fail with pg's errors.
 */
export function createPgPool(url: string, options: PgPoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max,
    application_name: options.applicationName,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    types: parsers,
  });
  // pg has dropped the connection by now and opens another when one is needed. Without a listener
  // the restart of a database would end the program.
  pool.on("error", () => {});
  return pool;
}

/**
 * Gives a query a name of its own, made from its text: one name must mean one text on a connection.
 * For texts that are written in the code, not composed: each one is kept by every connection.
 */
export function preparedQuery(text: string, values: readonly unknown[]): PreparedQuery {
  const name = createHash("sha256").update(text).digest("hex").slice(0, PREPARED_NAME_LENGTH);
  return { name, text, values: [...values] };
}
