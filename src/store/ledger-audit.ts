import type pg from "pg";
import { LEDGER_RULES } from "./ledger-rules.ts";

/** Something in the books that does not add up. */
export interface LedgerFault {
  /** The rule that is broken, as a sentence. */
  readonly rule: string;
  /** The journal account it is about: "user:<id>", "held:<id>", "cards:<batch>". */
  readonly account: string;
  /** Micros or messages by which it is wrong. */
  readonly difference: bigint;
}

/**
 * Proves the books: replays the journal and compares it with every lot, hold, account and card, as
 * they all were at one moment. Changes nothing; the program may run meanwhile. Empty when all is
 * well.
 */
export async function auditLedger(pool: pg.Pool): Promise<LedgerFault[]> {
  const client = await pool.connect();
  try {
    // One snapshot for all rules: else a movement in between would look like a fault.
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    // Reading years of entries takes longer than any question of the program itself.
    await client.query("SET LOCAL statement_timeout = 0");
    const faults: LedgerFault[] = [];
    for (const [rule, query] of LEDGER_RULES) {
      const { rows } = await client.query<{ account: string; difference: bigint | string }>(query);
      for (const { account, difference } of rows) {
        faults.push({ rule, account, difference: BigInt(difference) });
      }
    }
    return faults;
  } finally {
    await client.query("ROLLBACK").catch(() => {});
    client.release();
  }
}
