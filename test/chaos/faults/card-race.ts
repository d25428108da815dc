import { createCardPepper } from "../../../src/core/cards/card-code.ts";
import { createBatch } from "../../../src/core/cards/create-batch.ts";
import { createAccountId } from "../../../src/core/ids.ts";
import { auditLedger } from "../../../src/store/ledger-audit.ts";
import { PgCardStore } from "../../../src/store/pg-card-store.ts";
import { PgLedger } from "../../../src/store/pg-ledger.ts";
import { createPgPool } from "../../../src/store/pg-pool.ts";
import type { Fault } from "../fault.ts";
import { deal, race } from "../race.ts";
import { seconds } from "../wait-for.ts";

const DOSES = { short: 400, long: 1_000 } as const;
const PROCESSES = 4;
const FACE_VALUE = 1_000_000n;

/** Many people redeem one card, then one person many cards, from four processes at once. */
export const cardRace: Fault = {
  id: "F8",
  title: "cards redeemed at once",
  onBothQueues: false,
  async run({ machine, dose }) {
    const count = DOSES[dose];
    const databaseUrl = machine.directly(await machine.createDatabase());
    const pool = createPgPool(databaseUrl, { max: 4, applicationName: "chaos" });
    try {
      const accounts = Array.from({ length: count }, createAccountId);
      await pool.query("INSERT INTO account (id) SELECT unnest($1::text[])", [accounts]);
      const hmacs = await printCards(new PgCardStore(pool), count + 1);
      const [prize = "", ...rest] = hmacs;
      const [collector = ""] = accounts;
      const startedAtMs = performance.now();
      const tries = (list: readonly { account: string; hmac: string }[]) =>
        deal(list, PROCESSES).map((part) => ({ databaseUrl, do: "redeem" as const, tries: part }));
      const one = await race(tries(accounts.map((account) => ({ account, hmac: prize }))));
      const raceMs = performance.now() - startedAtMs;
      const all = await race(tries(rest.map((hmac) => ({ account: collector, hmac }))));
      const again = await race(tries(rest.map((hmac) => ({ account: collector, hmac }))));
      const { available } = await new PgLedger(pool).balance(collector);
      const audit = await auditLedger(pool);
      const owned = available.credit / FACE_VALUE;
      return {
        rounds: 2 * count,
        seen: `${count} people for one card: ${one} credit in ${seconds(raceMs)}; one person with ${count} cards: ${all} credits, ${again} more when all are sent again`,
        problems: [
          ...(one === 1 ? [] : [`I2: one card was credited ${one} times`]),
          ...(all === count && again === 0
            ? []
            : [`I2: ${count} cards gave ${all}, then ${again}`]),
          ...(owned === BigInt(count) || owned === BigInt(count + 1)
            ? []
            : [`I1: ${count} cards are worth ${owned} cards`]),
          ...audit.map(({ rule }) => `I1: ${rule}`),
        ],
      };
    } finally {
      await pool.end();
    }
  },
};

async function printCards(store: PgCardStore, count: number): Promise<string[]> {
  const pepper = createCardPepper(1, Buffer.alloc(32, 7));
  const order = {
    name: "CHAOS",
    count,
    unit: "credit" as const,
    amount: FACE_VALUE,
    validDays: 30,
    redeemUntil: null,
    renewal: null,
    modelScope: null,
    perAccountMax: null,
    createdBy: "chaos",
  };
  const { fileText } = await createBatch(store, pepper, order, new Date());
  const codes = fileText.split("\n").filter((line) => line !== "");
  return codes.map((code) => Buffer.from(pepper.hmac(code)).toString("hex"));
}
