import type pg from "pg";
import { PgAccountStore } from "../../src/store/pg-account-store.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";

/** In micros: more than any test spends. */
const PLENTY = 1_000_000_000n;

/** The account of somebody on Telegram, with credit. Returns its id. */
export async function openAccount(
  pool: pg.Pool,
  bot: string,
  person: number,
  credit: bigint = PLENTY,
): Promise<string> {
  const { account } = await new PgAccountStore(pool).identify({
    platform: "telegram",
    bot,
    sender: {
      platformUserId: String(person),
      displayName: `Person ${person}`,
      username: null,
      locale: "en",
    },
    directChannel: String(person),
  });
  if (credit === 0n) return account.id;
  await new PgLedger(pool).grant({
    cause: `chaos:${person}`,
    accountId: account.id,
    unit: "credit",
    kind: "paid",
    priority: 50,
    amount: credit,
    validUntil: null,
    modelScope: null,
    origin: "promotions",
    reason: "chaos",
  });
  return account.id;
}
