import { createAccountId } from "../../../src/core/ids.ts";
import { auditLedger } from "../../../src/store/ledger-audit.ts";
import { PgLedger } from "../../../src/store/pg-ledger.ts";
import { createPgPool } from "../../../src/store/pg-pool.ts";
import type { Fault } from "../fault.ts";
import { deal, race } from "../race.ts";
import { seconds } from "../wait-for.ts";

const SPENDS = 1_000;
const COVERED = 100;
const AMOUNT = 7;
const PROCESSES = 4;
const ROUNDS = { short: 1, long: 5 } as const;

/** A thousand answers at once on a balance for a hundred, from four processes: exactly a hundred. */
export const spendRace: Fault = {
  id: "F9",
  title: "1,000 spends on a balance for 100",
  onBothQueues: false,
  async run({ machine, dose }) {
    const databaseUrl = machine.directly(await machine.createDatabase());
    const pool = createPgPool(databaseUrl, { max: 4, applicationName: "chaos" });
    const ledger = new PgLedger(pool);
    const problems: string[] = [];
    const startedAtMs = performance.now();
    try {
      for (let round = 0; round < ROUNDS[dose]; round += 1) {
        const account = createAccountId();
        await pool.query("INSERT INTO account (id) VALUES ($1)", [account]);
        // In three lots of different sizes, so that spends cross from one to the next.
        for (const [part, amount] of [300n, 250n, 150n].entries()) {
          await ledger.grant({
            cause: `${account}:${part}`,
            accountId: account,
            unit: "credit",
            kind: "paid",
            priority: part,
            amount,
            validUntil: null,
            modelScope: null,
            origin: "promotions",
            reason: "chaos",
          });
        }
        const causes = Array.from({ length: SPENDS }, (_, index) => `reply:${account}:${index}`);
        const works = deal(causes, PROCESSES).map((part) => {
          return { databaseUrl, do: "spend" as const, account, amount: AMOUNT, causes: part };
        });
        const served = await race(works);
        const { available, held } = await ledger.balance(account);
        if (served !== COVERED) problems.push(`I1: ${served} were served`);
        if (available.credit !== 0n || held.credit !== 0n) {
          problems.push(`I1: ${available.credit} left and ${held.credit} held`);
        }
      }
      problems.push(...(await auditLedger(pool)).map(({ rule }) => `I1: ${rule}`));
      return {
        rounds: ROUNDS[dose] * SPENDS,
        seen: `${COVERED} of ${SPENDS} served and 0 left, ${seconds((performance.now() - startedAtMs) / ROUNDS[dose])} a round`,
        problems,
      };
    } finally {
      await pool.end();
    }
  },
};
