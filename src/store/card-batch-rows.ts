import pg from "pg";
import type { CardBatch, NewBatch, NewCard } from "../core/cards/card-batch.ts";
import type { LowStock } from "../core/cards/card-store.ts";
import { LOW_STOCK } from "../core/cards/low-stock.ts";
import { preparedQuery } from "./pg-pool.ts";

/** PostgreSQL's code for a row that exists: https://www.postgresql.org/docs/18/errcodes-appendix.html */
const UNIQUE_VIOLATION = "23505";

interface BatchRow extends Omit<CardBatch, "cards" | "modelScope"> {
  readonly modelScope: string[] | null;
  readonly activeCards: number;
  readonly redeemedCards: number;
  readonly voidCards: number;
}

const SELECT_BATCH = `SELECT b.id, b.name, b.prefix, b.unit, b.amount, b.valid_days AS "validDays",
    b.redeem_until AS "redeemUntil", b.state, b.renewal, b.model_scope AS "modelScope",
    b.per_account_max AS "perAccountMax", b.count, b.export_sha256 AS "exportSha256",
    b.created_by AS "createdBy", b.created_at AS "createdAt",
    c.active AS "activeCards", c.redeemed AS "redeemedCards", c.void AS "voidCards"
  FROM card_batch b CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'active')::int AS active,
      count(*) FILTER (WHERE state = 'redeemed')::int AS redeemed,
      count(*) FILTER (WHERE state = 'void')::int AS void
    FROM card WHERE batch_id = b.id) c`;

/** Adds a batch, yet without cards. */
export async function insertBatch(client: pg.ClientBase, batch: NewBatch): Promise<void> {
  await client.query(
    preparedQuery(
      `INSERT INTO card_batch (id, name, prefix, unit, amount, valid_days, redeem_until, renewal,
         model_scope, per_account_max, count, export_sha256, exported_at, created_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp(), $13)`,
      [
        batch.id,
        batch.name,
        batch.prefix,
        batch.unit,
        batch.amount,
        batch.validDays,
        batch.redeemUntil,
        batch.renewal,
        batch.modelScope,
        batch.perAccountMax,
        batch.count,
        batch.exportSha256,
        batch.createdBy,
      ],
    ),
  );
}

/** Adds cards of a batch. */
export async function insertCards(
  client: pg.ClientBase,
  batchId: string,
  cards: readonly NewCard[],
): Promise<void> {
  await client.query(
    preparedQuery(
      `INSERT INTO card (id, batch_id, serial, code_hmac, pepper_version, last4)
       SELECT c.id, $1, c.serial, c.code_hmac, c.pepper_version, c.last4
       FROM unnest($2::uuid[], $3::int[], $4::bytea[], $5::smallint[], $6::text[])
         AS c (id, serial, code_hmac, pepper_version, last4)`,
      [
        batchId,
        cards.map((card) => card.id),
        cards.map((card) => card.serial),
        cards.map((card) => Buffer.from(card.codeHmac)),
        cards.map((card) => card.pepperVersion),
        cards.map((card) => card.last4),
      ],
    ),
  );
}

/** Whether the name of a batch had been used before. */
export function isTakenName(error: unknown): boolean {
  return (
    error instanceof pg.DatabaseError &&
    error.code === UNIQUE_VIOLATION &&
    (error.constraint === "card_batch_name_key" || error.constraint === "card_batch_lower_name_key")
  );
}

/** The batch of a name with what became of its cards. */
export async function selectBatch(
  database: Pick<pg.ClientBase, "query">,
  name: string,
): Promise<CardBatch | null> {
  const { rows } = await database.query<BatchRow>(
    preparedQuery(`${SELECT_BATCH} WHERE lower(b.name) = lower($1)`, [name]),
  );
  return rows[0] === undefined ? null : batchOf(rows[0]);
}

/** Newest first. */
export async function selectBatches(
  database: Pick<pg.ClientBase, "query">,
  limit: number,
): Promise<CardBatch[]> {
  const { rows } = await database.query<BatchRow>(
    preparedQuery(`${SELECT_BATCH} ORDER BY b.created_at DESC, b.id DESC LIMIT $1`, [limit]),
  );
  return rows.map(batchOf);
}

/** Counts no further than the bound, so a look costs little however many cards there are. */
export async function selectLowStock(
  database: Pick<pg.ClientBase, "query">,
  limit: number,
): Promise<LowStock[]> {
  const { rows } = await database.query<LowStock>(
    preparedQuery(
      `SELECT b.id, b.name, s."left", b.count FROM card_batch b
       CROSS JOIN LATERAL (SELECT greatest($2, ceil(b.count * $3::float))::int AS cards) bound
       CROSS JOIN LATERAL (SELECT count(*)::int AS "left" FROM (
         SELECT 1 FROM card WHERE batch_id = b.id AND state = 'active' LIMIT bound.cards) c) s
       WHERE b.state = 'active' AND b.low_stock_at IS NULL AND b.count >= $1
         AND (b.redeem_until IS NULL OR b.redeem_until > now()) AND s."left" < bound.cards
       ORDER BY b.id LIMIT $4`,
      [LOW_STOCK.batchMin, LOW_STOCK.cardsMin, LOW_STOCK.share, limit],
    ),
  );
  return rows;
}

function batchOf({
  modelScope,
  activeCards,
  redeemedCards,
  voidCards,
  ...row
}: BatchRow): CardBatch {
  const scope = modelScope ?? [];
  return {
    ...row,
    modelScope: scope.length === 0 ? null : scope,
    cards: { active: activeCards, redeemed: redeemedCards, void: voidCards },
  };
}
