import { createHash } from "node:crypto";
import pg from "pg";
import { OutsideError } from "../core/errors.ts";

/** How long statements may take, and wait: see `PATIENCE`. */
export type Patience = "hurried" | "patient";

/** In milliseconds; 0 is no limit. */
interface PatienceLimits {
  readonly connect: number;
  readonly lock: number;
  readonly statement: number;
  readonly idleInTransaction: number;
  /** After so long without work a connection is closed. */
  readonly keep: number;
}

const PATIENCE: Readonly<Record<Patience, PatienceLimits>> = {
  // A person waits: better to be told within three seconds to try again than not to know. The first
  // three add up to that at most, since what waited for a connection may then wait for a lock.
  hurried: {
    // For a connection, a new one or one that becomes free. The shortest: when all are taken, mostly
    // by those who wait for one lock, whoever comes next would only wait behind them.
    connect: 1_000,
    // For one lock, such as that of an account; a statement may have to wait for several.
    lock: 1_500,
    // For a statement with all its waits. What a person asks for takes milliseconds.
    statement: 2_000,
    // Between two statements of a transaction nothing is waited for but the next line of code.
    idleInTransaction: 10_000,
    // To open one takes longest just when all want one.
    keep: 600_000,
  },
  // Nobody waits: workers, sweeps, figures, batches of a million cards. What they do is worth waiting
  // for, so that an answer that was written is not written again; and yet a statement that is stuck
  // must not hold its connection for good. A migration has a connection of its own, and all the time
  // it needs.
  patient: {
    connect: 10_000,
    lock: 25_000,
    statement: 30_000,
    idleInTransaction: 60_000,
    keep: 10_000,
  },
};

const PREPARED_NAME_LENGTH = 32;

/** The type `bigint[]`, which pg does not name: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/catalog/pg_type.dat */
const INT8_ARRAY = 1016;

/** Who connects, and how often at once. */
export interface PgPoolOptions {
  /** Connections at once. */
  readonly max: number;
  /** What the database calls us in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Patient unless told. */
  readonly patience?: Patience;
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
  const limits = PATIENCE[options.patience ?? "patient"];
  const pool = new PreparingPool({
    connectionString: url,
    max: options.max,
    application_name: options.applicationName,
    lock_timeout: limits.lock,
    statement_timeout: limits.statement,
    idle_in_transaction_session_timeout: limits.idleInTransaction,
    connectionTimeoutMillis: limits.connect,
    idleTimeoutMillis: limits.keep,
    types: parsers,
  });
  // pg has dropped the connection by now and opens another when one is needed. Without a listener
  // the restart of a database would end the program.
  pool.on("error", () => {});
  return pool;
}

/** Counts up when a table has changed: then every statement is prepared anew, under a new name. */
let generation = 0;

/**
 * A pool that notices when a migration of a newer version changed a table under its prepared
 * statements. The statement that failed was not carried out, so it is made once more.
 */
class PreparingPool extends pg.Pool {
  override query = (async (query: PreparedQuery, ...rest: never[]) => {
    try {
      return await super.query(query, ...rest);
    } catch (error) {
      if (typeof query?.name !== "string" || !isPlanStale(error, query)) throw error;
      return await super.query(preparedQuery(query.text, query.values));
    }
  }) as unknown as pg.Pool["query"];
}

/** "cached plan must not change result type"; see https://www.postgresql.org/docs/18/sql-prepare.html */
function isPlanStale(error: unknown, { name }: PreparedQuery): boolean {
  const isStale = error instanceof pg.DatabaseError && error.code === "0A000";
  // Many may fail at the same time, for one reason.
  if (isStale && name.endsWith(`-${generation}`)) generation += 1;
  return isStale;
}

/**
 * Gives a query a name of its own, made from its text: one name must mean one text on a connection.
 * For texts that are written in the code, not composed: each one is kept by every connection.
 */
export function preparedQuery(text: string, values: readonly unknown[]): PreparedQuery {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, PREPARED_NAME_LENGTH);
  return { name: `${hash}-${generation}`, text, values: [...values] };
}

/** https://www.postgresql.org/docs/18/errcodes-appendix.html: in each case nothing was done. */
const BUSY_CODES: ReadonlySet<string> = new Set([
  "55P03", // lock_not_available: lock_timeout
  "57014", // query_canceled: statement_timeout
  "40P01", // deadlock_detected
]);
/** What pg-pool says when all connections are taken; it has no code for it. */
const POOL_EXHAUSTED = "timeout exceeded when trying to connect";

/**
 * The outcome of a query or transaction; that it had to wait too long becomes
 * `OutsideError("database", "overloaded")`. Then nothing of it was done, so it may be tried again.
 */
export async function orBusy<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!isBusy(error)) throw error;
    throw new OutsideError("database", "overloaded", { cause: error });
  }
}

function isBusy(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return BUSY_CODES.has(error.code ?? "");
  return error instanceof Error && error.message === POOL_EXHAUSTED;
}
