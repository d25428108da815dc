import assert from "node:assert";
import pg from "pg";
import type {
  AccountLinks,
  LinkOutcome,
  TryLimits,
  TryOutcome,
  UnlinkOutcome,
} from "../core/account/account-links.ts";
import { orBusy, preparedQuery } from "./pg-pool.ts";

/** PostgreSQL's code for two transactions that wait for each other: https://www.postgresql.org/docs/18/errcodes-appendix.html */
const DEADLOCK = "40P01";
const ATTEMPTS_MAX = 3;

interface LinkRow {
  readonly status: LinkOutcome["status"];
  readonly account_id: string;
  readonly merged: string | null;
}

/** Links in Postgres; each method is one SQL function of the migrations. */
export class PgAccountLinks implements AccountLinks {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async issue(
    accountId: string,
    identityId: bigint,
    codeHmac: Uint8Array,
    lifeMs: number,
  ): Promise<void> {
    await this.#row("SELECT issue_link_code($1, $2, $3, $4)", [
      accountId,
      String(identityId),
      Buffer.from(codeHmac),
      lifeMs,
    ]);
  }

  async revoke(codeHmac: Uint8Array): Promise<void> {
    await this.#pool.query(
      preparedQuery(
        "UPDATE link_code SET valid_until = clock_timestamp() WHERE code_hmac = $1 AND used_by IS NULL",
        [Buffer.from(codeHmac)],
      ),
    );
  }

  async countTry(identityKey: string, limits: TryLimits): Promise<TryOutcome> {
    const { until, closes } = await this.#row<{ until: Date | null; closes: boolean }>(
      "SELECT until, closes FROM count_link_try($1, $2, $3, $4)",
      [identityKey, limits.windowMs, limits.personMax, limits.everybodyMax],
    );
    return until === null ? { status: "counted", closes } : { status: "locked", until };
  }

  async returnTry(identityKey: string): Promise<void> {
    await this.#row("SELECT return_link_try($1)", [identityKey]);
  }

  async link(codeHmac: Uint8Array, identityId: bigint): Promise<LinkOutcome> {
    const row = await this.#rowAgain<LinkRow>("SELECT * FROM link_accounts($1, $2)", [
      Buffer.from(codeHmac),
      String(identityId),
    ]);
    const { status, account_id: accountId, merged: mergedId } = row;
    switch (status) {
      case "linked":
        assert(mergedId !== null, "a merge names the account that was merged");
        return { status, accountId, mergedId };
      case "already_linked":
        return { status, accountId, mergedId };
      default:
        return { status };
    }
  }

  async unlink(identityId: bigint, newAccountId: string): Promise<UnlinkOutcome> {
    const { status, account_id: formerId } = await this.#rowAgain<{
      status: UnlinkOutcome["status"];
      account_id: string;
    }>("SELECT * FROM unlink_identity($1, $2)", [String(identityId), newAccountId]);
    return status === "unlinked" ? { status, formerId } : { status };
  }

  /**
   * A merge touches rows that sweepers update in any order, so one may rarely be chosen to give way;
   * nothing has happened then.
   */
  async #rowAgain<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#row<Row>(text, values);
      } catch (error) {
        const isDeadlock = error instanceof pg.DatabaseError && error.code === DEADLOCK;
        if (!isDeadlock || attempt === ATTEMPTS_MAX) throw error;
      }
    }
  }

  async #row<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row> {
    const { rows } = await orBusy(this.#pool.query<Row>(preparedQuery(text, values)));
    assert(rows[0] !== undefined, "a function answers one row");
    return rows[0];
  }
}
