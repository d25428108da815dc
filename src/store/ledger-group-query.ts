import assert from "node:assert";
import type pg from "pg";
import type { HoldRequest } from "../core/billing/ledger.ts";
import type { Unit } from "../core/billing/lot.ts";
import { preparedQuery } from "./pg-pool.ts";

/** One caller's wish, as part of a group. */
export type GroupItem =
  | {
      readonly kind: "hold";
      /** Of the new hold. */
      readonly id: string;
      readonly request: HoldRequest;
    }
  | { readonly kind: "capture"; readonly id: string; readonly amount: bigint };

/** What became of an item, see the migration. */
export interface GroupAnswer {
  readonly status: "held" | "insufficient" | "captured" | "busy" | "alone";
  /** The same for items of one account. */
  readonly accountNo: number;
  readonly unit: Unit;
  readonly amount: bigint;
  readonly creditAvailable: bigint;
  readonly messagesAvailable: bigint;
}

const TEXT = `SELECT status, account_no AS "accountNo", unit, amount,
  credit_available AS "creditAvailable", messages_available AS "messagesAvailable"
  FROM ledger_group($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`;

/**
 * Does what all items ask in one transaction and one round trip, in their order; the answers come in
 * the same order and after the commit. No two items may be about one hold. `waits`: for accounts
 * that another transaction has locked.
 */
export async function runLedgerGroup(
  database: Pick<pg.ClientBase, "query">,
  items: readonly GroupItem[],
  waits: boolean,
): Promise<GroupAnswer[]> {
  const requests = items.map((item) => (item.kind === "hold" ? item.request : null));
  const { rows } = await database.query<GroupAnswer>(
    preparedQuery(TEXT, [
      waits,
      items.map((item) => item.id),
      items.map((item) => (item.kind === "capture" ? item.amount : null)),
      requests.map((request) => request?.cause ?? null),
      requests.map((request) => request?.accountId ?? null),
      requests.map((request) => request?.model ?? null),
      requests.map((request) => request?.messageCost ?? null),
      requests.map((request) => request?.creditMax ?? null),
      requests.map((request) => request?.creditMin ?? null),
      requests.map((request) => request?.leaseMs ?? null),
    ]),
  );
  assert(rows.length === items.length, "every item of a group is answered");
  return rows;
}
