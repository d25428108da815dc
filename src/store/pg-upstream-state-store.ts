import type { Pool } from "pg";
import type { UpstreamState, UpstreamStateStore } from "../core/upstream/upstream-state-store.ts";
import { preparedQuery } from "./pg-pool.ts";

interface Row {
  readonly name: string;
  readonly status: UpstreamState["status"];
  readonly reason: string | null;
  readonly last_ok_at: Date | null;
  readonly last_error_at: Date | null;
}

const READ_ALL = "SELECT name, status, reason, last_ok_at, last_error_at FROM upstream_state";

const MARK_DEAD = `
  INSERT INTO upstream_state (name, status, reason) VALUES ($1, 'dead', $2)
  ON CONFLICT (name) DO UPDATE SET status = 'dead', reason = $2, updated_at = now()
   WHERE upstream_state.status = 'ready'`;

const MARK_READY = `
  UPDATE upstream_state SET status = 'ready', reason = NULL, updated_at = now()
   WHERE name = $1 AND status = 'dead'`;

const SET_STATUS = `
  INSERT INTO upstream_state (name, status) VALUES ($1, $2)
  ON CONFLICT (name) DO UPDATE SET status = $2, reason = NULL, updated_at = now()`;

// GREATEST ignores NULL, so that a time is never taken back.
const RECORD_USE = `
  INSERT INTO upstream_state AS known (name, last_ok_at, last_error_at) VALUES ($1, $2, $3)
  ON CONFLICT (name) DO UPDATE SET
    last_ok_at = GREATEST(known.last_ok_at, $2),
    last_error_at = GREATEST(known.last_error_at, $3)`;

/** Keeps what workers know of upstream keys in the table `upstream_state`, one statement a call. */
export class PgUpstreamStateStore implements UpstreamStateStore {
  readonly #database: Pick<Pool, "query">;

  constructor(database: Pick<Pool, "query">) {
    this.#database = database;
  }

  async readAll(): Promise<readonly UpstreamState[]> {
    const { rows } = await this.#database.query<Row>(preparedQuery(READ_ALL, []));
    return rows.map((row) => ({
      name: row.name,
      status: row.status,
      reason: row.reason,
      lastOkAt: row.last_ok_at,
      lastErrorAt: row.last_error_at,
    }));
  }

  async markDead(name: string, reason: string): Promise<boolean> {
    const { rowCount } = await this.#database.query(preparedQuery(MARK_DEAD, [name, reason]));
    return rowCount === 1;
  }

  async markReady(name: string): Promise<void> {
    await this.#database.query(preparedQuery(MARK_READY, [name]));
  }

  async setDisabled(name: string, isDisabled: boolean): Promise<void> {
    const status: UpstreamState["status"] = isDisabled ? "disabled" : "ready";
    await this.#database.query(preparedQuery(SET_STATUS, [name, status]));
  }

  async recordUse(name: string, lastOkAt: Date | null, lastErrorAt: Date | null): Promise<void> {
    await this.#database.query(preparedQuery(RECORD_USE, [name, lastOkAt, lastErrorAt]));
  }
}
