import type pg from "pg";
import type { GuessPressure } from "../core/cards/card-store.ts";
import { GUESS_WINDOW_MS, type GuessCount, STORM_WEIGHT } from "../core/cards/redeem-guard.ts";
import { preparedQuery } from "./pg-pool.ts";

type Database = Pick<pg.ClientBase, "query">;

/** The counter of everybody's wrong guesses; it locks nobody. */
const EVERYBODY = "everybody";
const HUNDREDTHS = 100;

interface GuessRow extends GuessCount {
  readonly key: string;
}

/** The counts that are kept under some of the keys. */
export async function readCounts(
  database: Database,
  keys: readonly string[],
): Promise<Map<string, GuessCount>> {
  const { rows } = await database.query<GuessRow>(
    preparedQuery(
      `SELECT key, weight, window_start AS "windowStart", lock_count AS "lockCount",
         locked_until AS "lockedUntil"
       FROM redeem_guess WHERE key = ANY ($1)`,
      [keys],
    ),
  );
  return new Map(rows.map((row) => [row.key, row]));
}

/** Replaces the count under a key. */
export async function saveCount(database: Database, key: string, count: GuessCount): Promise<void> {
  await database.query(
    preparedQuery(
      `INSERT INTO redeem_guess (key, weight, window_start, lock_count, locked_until)
       VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (key) DO UPDATE SET weight = excluded.weight,
         window_start = excluded.window_start, lock_count = excluded.lock_count,
         locked_until = excluded.locked_until`,
      [key, count.weight, count.windowStart, count.lockCount, count.lockedUntil],
    ),
  );
}

/**
 * Adds to what everybody tried in this window and tells whether that just became a storm. The last
 * statement of a transaction, since all others wait for this row.
 */
export async function countForEverybody(database: Database, weight: number): Promise<boolean> {
  const { rows } = await database.query<{ weight: number }>(
    preparedQuery(
      `INSERT INTO redeem_guess AS g (key, weight, window_start) VALUES ($1, $2, clock_timestamp())
       ON CONFLICT (key) DO UPDATE SET
         weight = CASE WHEN g.window_start > clock_timestamp() - $3 * interval '1 millisecond'
           THEN g.weight ELSE 0 END + excluded.weight,
         window_start = CASE WHEN g.window_start > clock_timestamp() - $3 * interval '1 millisecond'
           THEN g.window_start ELSE excluded.window_start END
       RETURNING weight`,
      [EVERYBODY, weight, GUESS_WINDOW_MS],
    ),
  );
  const after = rows[0]?.weight ?? 0;
  return after >= STORM_WEIGHT && after - weight < STORM_WEIGHT;
}

/** What everybody tried in this window, and whether the account redeemed or paid before. */
export async function readPressure(database: Database, accountId: string): Promise<GuessPressure> {
  const { rows } = await database.query<{ weight: number | null; is_known: boolean }>(
    preparedQuery(
      `SELECT (SELECT weight FROM redeem_guess
       WHERE key = $2 AND window_start > clock_timestamp() - $3 * interval '1 millisecond') AS weight,
       EXISTS (SELECT 1 FROM lot WHERE account_id = $1 AND kind IN (4, 5)) AS is_known`,
      [accountId, EVERYBODY, GUESS_WINDOW_MS],
    ),
  );
  const weight = rows[0]?.weight ?? 0;
  return {
    guesses: weight / HUNDREDTHS,
    isStorm: weight >= STORM_WEIGHT,
    isKnown: rows[0]?.is_known ?? false,
  };
}

/** Forgets counts that no longer matter; returns how many. */
export async function deleteOldCounts(database: Database, limit: number): Promise<number> {
  // Two days: locks are remembered for one day after they end.
  const { rowCount } = await database.query(
    preparedQuery(
      `DELETE FROM redeem_guess WHERE key IN (
           SELECT key FROM redeem_guess
           WHERE greatest(window_start, locked_until) < clock_timestamp() - interval '2 days'
           LIMIT $1 FOR UPDATE SKIP LOCKED)`,
      [limit],
    ),
  );
  return rowCount ?? 0;
}
