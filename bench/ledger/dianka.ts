import { randomInt } from "node:crypto";
import type { Ledger } from "../../src/core/billing/ledger.ts";
import { createId } from "../../src/core/ids.ts";
import { GroupedLedger } from "../../src/store/grouped-ledger.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { createPgPool } from "../../src/store/pg-pool.ts";
import { ACCOUNTS, accountId } from "./bench-database.ts";
import { type Contender, drive, type Load } from "./contender.ts";

/** What every contender sets aside for an answer, and what the answer then costs. */
export const HELD = 1_000n;
export const CHARGED = 600n;
const GROUPED_CALLERS = 512;
const SINGLE_CALLERS = 16;

/** Calls that arrive together share a transaction. */
export function dianka(url: string): Contender {
  const pool = createPgPool(url, { max: 8, applicationName: "bench grouped" });
  return contender("Dianka, groups", new GroupedLedger(pool), GROUPED_CALLERS, () => pool.end());
}

/** The same functions, one transaction a call. */
export function diankaOneByOne(url: string): Contender {
  const pool = createPgPool(url, { max: SINGLE_CALLERS, applicationName: "bench one by one" });
  return contender("Dianka, one by one", new PgLedger(pool), SINGLE_CALLERS, () => pool.end());
}

/** A single caller: what grouping costs when there is nobody to group with. */
export function loneCaller(url: string, isGrouped: boolean): Contender {
  const pool = createPgPool(url, { max: 2, applicationName: "bench lone" });
  const ledger = isGrouped ? new GroupedLedger(pool) : new PgLedger(pool);
  const name = isGrouped ? "lone, in groups" : "lone, one by one";
  return contender(name, ledger, 1, () => pool.end());
}

function contender(
  name: string,
  ledger: Ledger,
  callers: number,
  end: () => Promise<void>,
): Contender {
  return {
    name,
    callers: () => callers,
    measure: (load, ms) => drive(callers, ms, () => charge(ledger, chooseAccount(load))),
    [Symbol.asyncDispose]: end,
  };
}

export function chooseAccount(load: Load): string {
  return accountId(load === "hot" ? 0 : randomInt(ACCOUNTS));
}

/** As the program's own causes: the id of a new reply, which grows with time. */
export function newCause(): string {
  return `reply:${createId(new Date())}`;
}

/** Two answers from the ledger, each after its commit, as around an upstream call. */
async function charge(ledger: Ledger, account: string): Promise<void> {
  const hold = await ledger.placeHold({
    cause: newCause(),
    accountId: account,
    model: "gpt-5-mini",
    messageCost: null,
    creditMax: HELD,
    creditMin: HELD,
    leaseMs: 60_000,
  });
  if (hold.status !== "held") throw new Error("the account is empty");
  await ledger.captureHold(hold.holdId, CHARGED);
}
