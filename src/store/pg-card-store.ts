import assert from "node:assert";
import type pg from "pg";
import type { Unit } from "../core/billing/lot.ts";
import type { BatchState, CardBatch, NewBatch, NewCard } from "../core/cards/card-batch.ts";
import type {
  BatchChange,
  CardStore,
  GuessPressure,
  LowStock,
  RedeemAttempt,
  Redeemer,
  RedeemOutcome,
} from "../core/cards/card-store.ts";
import { countGuess, GUESS_WEIGHTS, lockedUntil } from "../core/cards/redeem-guard.ts";
import { UserError } from "../core/errors.ts";
import {
  insertBatch,
  insertCards,
  isTakenName,
  selectBatch,
  selectBatches,
  selectLowStock,
} from "./card-batch-rows.ts";
import { orBusy, preparedQuery } from "./pg-pool.ts";
import {
  countForEverybody,
  deleteOldCounts,
  readCounts,
  readPressure,
  saveCount,
} from "./redeem-guess-rows.ts";

const CHANGES = {
  freeze: { from: ["active"], to: "frozen" },
  unfreeze: { from: ["frozen"], to: "active" },
  void: { from: ["active", "frozen"], to: "void" },
} as const satisfies Record<BatchChange, { from: readonly BatchState[]; to: BatchState }>;

interface RedeemRow {
  readonly status: "redeemed" | "already_yours" | "limit" | "unknown" | "used";
  readonly unit: Unit;
  readonly amount: bigint;
  readonly valid_until: Date;
  readonly extended: boolean;
}

/** Cards in Postgres. Redeeming is the SQL function `redeem_card`, guarded in one transaction. */
export class PgCardStore implements CardStore {
  readonly #pool: pg.Pool;
  readonly #patientPool: pg.Pool;

  /** Batches are made, changed and counted over `patientPool`: that takes as long as it takes. */
  constructor(pool: pg.Pool, patientPool: pg.Pool = pool) {
    this.#pool = pool;
    this.#patientPool = patientPool;
  }

  async createBatch(batch: NewBatch, chunks: Iterable<readonly NewCard[]>): Promise<void> {
    try {
      await transact(this.#patientPool, async (client) => {
        await insertBatch(client, batch);
        for (const cards of chunks) await insertCards(client, batch.id, cards);
      });
    } catch (error) {
      if (isTakenName(error)) throw new UserError("batch_exists", { name: batch.name });
      throw error;
    }
  }

  async listBatches(limit: number): Promise<CardBatch[]> {
    return selectBatches(this.#patientPool, limit);
  }

  async findBatch(name: string): Promise<CardBatch | null> {
    return selectBatch(this.#patientPool, name);
  }

  async changeBatch(
    name: string,
    change: BatchChange,
  ): Promise<{ before: CardBatch; after: CardBatch }> {
    return transact(this.#patientPool, async (client) => {
      // Waits for redeemings of this batch that are under way; later ones wait for us.
      await client.query("SELECT 1 FROM card_batch WHERE lower(name) = lower($1) FOR UPDATE", [
        name,
      ]);
      const before = await selectBatch(client, name);
      if (before === null) throw new UserError("unknown_batch", { name });
      const { from, to } = CHANGES[change];
      if (!from.some((state) => state === before.state)) {
        throw new UserError("batch_state", { name, state: before.state });
      }
      await client.query("UPDATE card_batch SET state = $2 WHERE id = $1", [before.id, to]);
      if (to === "void") {
        await client.query(
          "UPDATE card SET state = 'void' WHERE batch_id = $1 AND state = 'active'",
          [before.id],
        );
      }
      const after = await selectBatch(client, name);
      assert(after !== null, "a batch is never deleted");
      return { before, after };
    });
  }

  async redeem(redeemer: Redeemer, codeHmacs: readonly Uint8Array[]): Promise<RedeemAttempt> {
    return transact(this.#pool, async (client) => {
      const { now, createdAt } = await lockAccount(client, redeemer.accountId);
      const keys = [`account:${redeemer.accountId}`, `identity:${redeemer.identityKey}`];
      const counts = await readCounts(client, keys);
      const until = lockedUntil([...counts.values()], now);
      if (until !== null) return { outcome: { status: "locked", until }, startsStorm: false };

      const { outcome, weight } = await tryCard(client, redeemer.accountId, codeHmacs);
      if (weight === 0) return { outcome, startsStorm: false };
      for (const key of keys) {
        await saveCount(client, key, countGuess(counts.get(key) ?? null, weight, createdAt, now));
      }
      return { outcome, startsStorm: await countForEverybody(client, weight) };
    });
  }

  async readPressure(accountId: string): Promise<GuessPressure> {
    return orBusy(readPressure(this.#pool, accountId));
  }

  async listLowStock(limit: number): Promise<LowStock[]> {
    return selectLowStock(this.#patientPool, limit);
  }

  async noteLowStockTold(batchId: string): Promise<void> {
    await this.#patientPool.query(
      preparedQuery(
        "UPDATE card_batch SET low_stock_at = now() WHERE id = $1 AND low_stock_at IS NULL",
        [batchId],
      ),
    );
  }

  async forgetOldGuesses(limit: number): Promise<number> {
    return deleteOldCounts(this.#patientPool, limit);
  }
}

async function transact<Result>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await orBusy(pool.connect());
  let failure: Error | undefined;
  try {
    await client.query("BEGIN");
    const result = await orBusy(work(client));
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch((rollbackError: Error) => {
      failure = rollbackError;
    });
    throw error;
  } finally {
    // A connection that could not even roll back is thrown away.
    client.release(failure);
  }
}

/** Every attempt of an account comes after the one before, so that each sees what that counted. */
async function lockAccount(
  client: pg.ClientBase,
  accountId: string,
): Promise<{ now: Date; createdAt: Date }> {
  const { rows } = await client.query<{ now: Date; createdAt: Date }>(
    preparedQuery(
      `SELECT lock_account(id) AS now, created_at AS "createdAt" FROM account WHERE id = $1`,
      [accountId],
    ),
  );
  assert(rows[0] !== undefined, "the account exists");
  return rows[0];
}

async function tryCard(
  client: pg.ClientBase,
  accountId: string,
  codeHmacs: readonly Uint8Array[],
): Promise<{ outcome: RedeemOutcome; weight: number }> {
  if (codeHmacs.length === 0) return { outcome: { status: "typo" }, weight: GUESS_WEIGHTS.typo };
  const { rows } = await client.query<RedeemRow>(
    preparedQuery("SELECT * FROM redeem_card($1, $2, uuid_by_time())", [
      codeHmacs.map((hmac) => Buffer.from(hmac)),
      accountId,
    ]),
  );
  const row = rows[0];
  assert(row !== undefined, "redeem_card answers one row");
  switch (row.status) {
    case "redeemed": {
      const { unit, amount, valid_until: validUntil, extended: isExtended } = row;
      return { outcome: { status: "redeemed", unit, amount, validUntil, isExtended }, weight: 0 };
    }
    case "already_yours":
      return { outcome: { status: "already_yours" }, weight: GUESS_WEIGHTS.already_yours };
    case "limit":
      return { outcome: { status: "limit_per_account" }, weight: GUESS_WEIGHTS.limit_per_account };
    default:
      return { outcome: { status: "invalid_or_used" }, weight: GUESS_WEIGHTS[row.status] };
  }
}
