import { createHash } from "node:crypto";
import { ConnectionClosedError, type PgPool, type PgPoolClient, type PgQueryResult } from "bullmq";
import pg from "pg";
import type { QuietWarning } from "./quiet-warning.ts";

/** BullMQ's own default, and the only one it takes with a pool that it did not make. */
export const QUEUE_SCHEMA = "bullmq";
/** Four for statements, and one that only listens. */
const CONNECTIONS_MAX = 5;
const CONNECT_LIMIT_MS = 2_000;
const QUERY_LIMIT_MS = 10_000;

/**
 * The connections of BullMQ's Postgres backend, set up for speed.
 *
 * - Statements are prepared: half the time of parsing them anew each time.
 * - Commits do not wait for the disk (`synchronous_commit=off`). A crash of ours loses nothing; a
 *   crash of the database may lose the last half second of the queue, never of the ledger, and the
 *   sweepers add such jobs again. It matters twice here: the server commits all transactions that
 *   notify one after the other, so that each would wait for the disk times of all others
 *   (PreCommit_Notify in
 *   https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/commands/async.c).
 * - Connections are kept: one that is opened anew plans everything anew.
 * - A lost connection looks to BullMQ as one of Redis does, so that it repeats the step instead of
 *   running a finished job once more.
 */
export class QueuePool implements PgPool {
  readonly #pool: pg.Pool;
  readonly #names = new Map<string, string>();
  readonly #lost: QuietWarning;

  constructor(databaseUrl: string, lost: QuietWarning) {
    this.#lost = lost;
    this.#pool = new pg.Pool({
      connectionString: databaseUrl,
      application_name: "dianka queue",
      max: CONNECTIONS_MAX,
      idleTimeoutMillis: 0,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      query_timeout: QUERY_LIMIT_MS,
      keepAlive: true,
      onConnect: async (client) => {
        // Every worker of this process listens on one and the same client.
        client.setMaxListeners(0);
        await client.query(`set search_path to ${QUEUE_SCHEMA}; set synchronous_commit to off`);
      },
    });
  }

  async query<R>(text: string, params: readonly unknown[] = []): Promise<PgQueryResult<R>> {
    try {
      const name = this.#nameOf(text);
      const result: unknown = await this.#pool.query({ name, text, values: [...params] });
      return result as PgQueryResult<R>;
    } catch (error) {
      if (!isConnectionLost(error)) throw error;
      this.#lost.warn(error);
      throw new ConnectionClosedError(undefined, error instanceof Error ? error : undefined);
    }
  }

  async connect(): Promise<PgPoolClient> {
    // The same object: BullMQ describes pg's clients by hand instead of using pg's types.
    const client: unknown = await this.#pool.connect();
    return client as PgPoolClient;
  }

  end(): Promise<void> {
    return this.#pool.end();
  }

  on(event: "error" | "connect", listener: (value: never) => void): this {
    this.#pool.on(event as "error", (value) => listener(value as never));
    return this;
  }

  removeAllListeners(event?: string): this {
    this.#pool.removeAllListeners(event);
    return this;
  }

  /** Of the text itself: one name must mean one text on every connection. */
  #nameOf(text: string): string {
    let name = this.#names.get(text);
    if (name === undefined) {
      name = `q${createHash("sha1").update(text).digest("base64url")}`;
      this.#names.set(text, name);
    }
    return name;
  }
}

/** SQLSTATE classes of a server that is gone, going or full; the rest has no code. */
const LOST_CODES = /^(08|57P0|53300|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH)/;
const LOST_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable/;

function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return LOST_CODES.test(code) || LOST_MESSAGES.test(error.message);
}
