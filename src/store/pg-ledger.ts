import assert from "node:assert";
import type pg from "pg";
import type {
  AccountBalance,
  CaptureOutcome,
  HoldOutcome,
  HoldRequest,
  JournalEntry,
  Ledger,
  Undone,
} from "../core/billing/ledger.ts";
import { LOT_KINDS, type Lot, type LotKind, type NewLot, type Unit } from "../core/billing/lot.ts";
import { UserError } from "../core/errors.ts";
import { orBusy, preparedQuery } from "./pg-pool.ts";

const KIND_NAMES = new Map<number, LotKind>(
  (Object.keys(LOT_KINDS) as LotKind[]).map((kind) => [LOT_KINDS[kind], kind]),
);

/** As the partial index of the lines by where they go says it. */
const FROM_OUTSIDE = "to_account <> 'revenue' AND substr(from_account, 6) <> substr(to_account, 6)";

interface BalanceRow {
  readonly held_credit: bigint;
  readonly held_messages: bigint;
  /** `null` in the one row of an account without lots. */
  readonly id: string | null;
  readonly unit: Unit;
  readonly kind: number;
  readonly granted: bigint;
  readonly remaining: bigint;
  readonly valid_until: Date | null;
  readonly model_scope: string[] | null;
}

interface HoldRow {
  readonly status: "held" | "exists" | "insufficient";
  readonly hold_id: string;
  readonly unit: Unit;
  readonly amount: bigint;
  readonly credit_available: bigint;
  readonly messages_available: bigint;
}

interface UndoRow {
  readonly status: "undone" | "unknown_entry" | "cannot_undo" | "already_undone";
  readonly account_id: string;
  readonly unit: Unit;
  readonly amount: bigint;
}

/**
 * The ledger in Postgres. Every movement is one SQL function of the migrations, so one round trip
 * and all or nothing. Works inside a transaction too, when given its client.
 */
export class PgLedger implements Ledger {
  readonly #database: Pick<pg.ClientBase, "query">;

  constructor(database: Pick<pg.ClientBase, "query">) {
    this.#database = database;
  }

  async balance(accountId: string): Promise<AccountBalance> {
    const rows = await this.#rows<BalanceRow>(
      `SELECT h.held_credit, h.held_messages, l.id, l.unit, l.kind, l.granted, l.remaining,
         CASE WHEN isfinite(l.valid_until) THEN l.valid_until END AS valid_until, l.model_scope
       FROM (
         SELECT coalesce(sum(amount) FILTER (WHERE unit = 'credit'), 0)::bigint AS held_credit,
           coalesce(sum(amount) FILTER (WHERE unit = 'message'), 0)::bigint AS held_messages
         FROM hold WHERE account_id = (SELECT live_account($1)) AND state = 'open') h
       LEFT JOIN lot l ON l.account_id = (SELECT live_account($1)) AND l.remaining > 0 AND l.valid_until > clock_timestamp()
       ORDER BY l.priority, l.valid_until, l.kind, l.created_at, l.id`,
      [accountId],
    );
    const lots = rows.flatMap((row) => (row.id === null ? [] : [lotOf(row.id, row)]));
    return {
      lots,
      available: { credit: sumOf(lots, "credit"), message: sumOf(lots, "message") },
      held: { credit: rows[0]?.held_credit ?? 0n, message: rows[0]?.held_messages ?? 0n },
    };
  }

  async grant(lot: NewLot): Promise<boolean> {
    const { granted } = await this.#row<{ granted: boolean }>(
      `SELECT grant_lot(uuid_by_time(), $1, $2, $3, $4::smallint, $5::smallint, $6, $7, $8, $9, $10)
         AS granted`,
      [
        lot.cause,
        lot.accountId,
        lot.unit,
        LOT_KINDS[lot.kind],
        lot.priority,
        lot.amount,
        lot.validUntil,
        lot.modelScope,
        lot.origin,
        lot.reason,
      ],
    );
    return granted;
  }

  async findGrantEntry(cause: string): Promise<bigint> {
    const { id } = await this.#row<{ id: bigint }>(
      "SELECT id FROM entry WHERE transfer = 'grant:' || $1 AND line = 0",
      [cause],
    );
    return id;
  }

  async placeHold(request: HoldRequest): Promise<HoldOutcome> {
    const row = await this.#row<HoldRow>("SELECT * FROM place_hold($1, $2, $3, $4, $5, $6, $7)", [
      request.cause,
      request.accountId,
      request.model,
      request.messageCost,
      request.creditMax,
      request.creditMin,
      request.leaseMs,
    ]);
    if (row.status === "insufficient") {
      return {
        status: "insufficient",
        creditAvailable: row.credit_available,
        messagesAvailable: row.messages_available,
      };
    }
    return {
      status: "held",
      holdId: row.hold_id,
      unit: row.unit,
      amount: row.amount,
      existed: row.status === "exists",
    };
  }

  async captureHold(holdId: string, amount: bigint): Promise<CaptureOutcome> {
    return this.#row<CaptureOutcome>("SELECT status, captured FROM capture_hold($1, $2)", [
      holdId,
      amount,
    ]);
  }

  async releaseHold(holdId: string): Promise<void> {
    await this.#row("SELECT release_hold($1, 'released')", [holdId]);
  }

  async renewHold(holdId: string, leaseMs: number): Promise<boolean> {
    const { renewed } = await this.#row<{ renewed: boolean }>(
      "SELECT renew_hold($1, $2) AS renewed",
      [holdId, leaseMs],
    );
    return renewed;
  }

  async releaseLapsedHolds(limit: number): Promise<number> {
    const { count } = await this.#row<{ count: number }>(
      "SELECT release_lapsed_holds($1) AS count",
      [limit],
    );
    return count;
  }

  async expireLots(limit: number): Promise<number> {
    const { count } = await this.#row<{ count: number }>("SELECT expire_lots($1) AS count", [
      limit,
    ]);
    return count;
  }

  async listEntries(accountId: string, limit: number): Promise<JournalEntry[]> {
    // One short walk along an index for each side of each journal account, not a scan of all
    // entries of a busy account. Lines between its two sides are found by where they come from.
    return this.#rows<JournalEntry>(
      `SELECT e.id, e.from_account AS "fromAccount", e.to_account AS "toAccount", e.unit, e.amount,
         e.reason, e.created_at AS "createdAt"
       FROM (
         (SELECT * FROM entry WHERE from_account = 'user:' || live_account($1) ORDER BY id DESC LIMIT $2) UNION
         (SELECT * FROM entry WHERE from_account = 'held:' || live_account($1) ORDER BY id DESC LIMIT $2) UNION
         (SELECT * FROM entry WHERE to_account = 'user:' || live_account($1) AND ${FROM_OUTSIDE} ORDER BY id DESC LIMIT $2) UNION
         (SELECT * FROM entry WHERE to_account = 'held:' || live_account($1) AND ${FROM_OUTSIDE} ORDER BY id DESC LIMIT $2)) e
       ORDER BY e.id DESC LIMIT $2`,
      [accountId, limit],
    );
  }

  async undo(entryId: bigint, reason: string): Promise<Undone> {
    const row = await this.#row<UndoRow>("SELECT * FROM undo_grant($1, $2)", [entryId, reason]);
    if (row.status !== "undone") throw new UserError(row.status, { entry: String(entryId) });
    return { accountId: row.account_id, unit: row.unit, amount: row.amount };
  }

  findUndone(entryId: bigint): Promise<Undone> {
    return this.#row<Undone>(
      `SELECT substr(from_account, length('user:') + 1) AS "accountId", unit, amount
       FROM entry WHERE transfer = 'undo:' || $1 AND line = 0`,
      [String(entryId)],
    );
  }

  async #rows<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
    return (await orBusy(this.#database.query<Row>(preparedQuery(text, values)))).rows;
  }

  async #row<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row> {
    const [row] = await this.#rows<Row>(text, values);
    assert(row !== undefined, "the ledger answers one row");
    return row;
  }
}

function lotOf(id: string, row: BalanceRow): Lot {
  const kind = KIND_NAMES.get(row.kind);
  assert(kind !== undefined, "the database knows only our kinds of lots");
  const scope = row.model_scope ?? [];
  return {
    id,
    unit: row.unit,
    kind,
    granted: row.granted,
    remaining: row.remaining,
    validUntil: row.valid_until,
    modelScope: scope.length === 0 ? null : scope,
  };
}

function sumOf(lots: readonly Lot[], unit: Unit): bigint {
  return lots.reduce((sum, lot) => (lot.unit === unit ? sum + lot.remaining : sum), 0n);
}
