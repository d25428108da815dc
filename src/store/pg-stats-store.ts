import type pg from "pg";
import type { BatchStatsRow, Stats, StatsRow, StatsStore } from "../core/admin/stats-store.ts";
import { lowestIdAt } from "../core/ids.ts";
import { preparedQuery } from "./pg-pool.ts";

const SUMS = `sum(requests)::int AS requests, sum(input_tokens + output_tokens)::bigint AS tokens,
  sum(credit)::bigint AS credit, sum(messages)::bigint AS messages,
  sum(upstream_cost)::bigint AS "upstreamCost"`;

interface TotalsRow
  extends Omit<Stats, "takenBack" | "firstWordMsMean" | "answerMsMean" | "newPeople"> {
  readonly newPeople: number;
  readonly takenCredit: bigint;
  readonly takenMessages: bigint;
  readonly firstWordMs: number | null;
  readonly answerMs: number | null;
}

/** What people could not help. */
const OUR_FAILURES = "'upstream_unavailable', 'upstream_cut', 'waited_too_long', 'internal'";

/** Statistics from the hourly rollups; only the last minutes are read answer by answer. */
export class PgStatsStore implements StatsStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async readTotals(since: Date): Promise<Stats> {
    const rows = await this.#rows<TotalsRow>(
      `SELECT count(DISTINCT account_id) FILTER (WHERE answers > 0)::int AS people,
         (SELECT count(*)::int FROM account WHERE created_at >= $1) AS "newPeople",
         coalesce(sum(requests), 0)::int AS requests, coalesce(sum(answers), 0)::int AS answers,
         coalesce(sum(stopped), 0)::int AS stopped, coalesce(sum(failures), 0)::int AS failures,
         coalesce(sum(free_answers), 0)::int AS "freeAnswers",
         coalesce(sum(input_tokens), 0)::bigint AS "inputTokens",
         coalesce(sum(output_tokens), 0)::bigint AS "outputTokens",
         coalesce(sum(credit), 0)::bigint AS credit, coalesce(sum(messages), 0)::bigint AS messages,
         coalesce(sum(upstream_cost), 0)::bigint AS "upstreamCost",
         (SELECT count(*)::int FROM card WHERE redeemed_at >= $1) AS "cardsRedeemed",
         ${takenBack("credit")} AS "takenCredit", ${takenBack("message")} AS "takenMessages",
         (sum(first_word_ms)::float / nullif(sum(answers + stopped), 0)) AS "firstWordMs",
         (sum(answer_ms)::float / nullif(sum(answers), 0)) AS "answerMs"
       FROM usage_hour WHERE hour >= $1`,
      [since],
    );
    const [row] = rows;
    if (row === undefined) throw new Error("totals answered nothing");
    const { takenCredit, takenMessages, firstWordMs, answerMs, ...totals } = row;
    return {
      ...totals,
      takenBack: { credit: takenCredit, message: takenMessages },
      firstWordMsMean: firstWordMs,
      answerMsMean: answerMs,
    };
  }

  async countOutcomes(since: Date) {
    // Ids are in the order of time, so this reads the end of an index.
    const rows = await this.#rows<{ answered: number; failed: number }>(
      `SELECT count(*) FILTER (WHERE state IN ('answered', 'delivered')
           AND coalesce(failure, '') NOT IN (${OUR_FAILURES}))::int AS answered,
         count(*) FILTER (WHERE failure IN (${OUR_FAILURES}))::int AS failed
       FROM reply WHERE id >= $1`,
      [lowestIdAt(since)],
    );
    return rows[0] ?? { answered: 0, failed: 0 };
  }

  async readByModel(since: Date, limit: number): Promise<StatsRow[]> {
    return await this.#rows<StatsRow>(
      `SELECT model AS name, ${SUMS} FROM usage_hour WHERE hour >= $1
       GROUP BY model ORDER BY sum(requests) DESC LIMIT $2`,
      [since, limit],
    );
  }

  async readByAccount(since: Date, limit: number): Promise<StatsRow[]> {
    return await this.#rows<StatsRow>(
      `SELECT account_id AS name, ${SUMS} FROM usage_hour WHERE hour >= $1
       GROUP BY account_id ORDER BY sum(credit) DESC, sum(requests) DESC LIMIT $2`,
      [since, limit],
    );
  }

  async readByBatch(since: Date, limit: number): Promise<BatchStatsRow[]> {
    return await this.#rows<BatchStatsRow>(
      `SELECT b.name, b.count,
         (SELECT count(*)::int FROM card c WHERE c.batch_id = b.id AND c.redeemed_at >= $1) AS redeemed,
         b.unit, coalesce(sum(e.amount), 0)::bigint AS spent
       FROM card_batch b
       LEFT JOIN lot l ON l.origin = 'cards:' || b.name
       LEFT JOIN entry e ON e.lot_id = l.id AND e.to_account = 'revenue' AND e.created_at >= $1
       GROUP BY b.id ORDER BY b.created_at DESC LIMIT $2`,
      [since, limit],
    );
  }

  async readAccount(accountId: string, since: Date): Promise<StatsRow> {
    const rows = await this.#rows<StatsRow>(
      `SELECT $1 AS name, coalesce(sum(answers + stopped), 0)::int AS requests,
         coalesce(sum(input_tokens + output_tokens), 0)::bigint AS tokens,
         coalesce(sum(credit), 0)::bigint AS credit, coalesce(sum(messages), 0)::bigint AS messages,
         coalesce(sum(upstream_cost), 0)::bigint AS "upstreamCost"
       FROM usage_hour WHERE account_id = $1 AND hour >= $2`,
      [accountId, since],
    );
    const [row] = rows;
    if (row === undefined) throw new Error("account statistics answered nothing");
    return row;
  }

  async #rows<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> {
    const { rows } = await this.#pool.query(preparedQuery(text, values));
    return rows as Row[];
  }
}

function takenBack(unit: "credit" | "message"): string {
  return `(SELECT coalesce(sum(amount), 0)::bigint FROM entry
    WHERE created_at >= $1 AND unit = '${unit}' AND transfer LIKE 'undo:%')`;
}
