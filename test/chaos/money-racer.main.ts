// One of several processes that race for the same money: reads its work as one line of JSON from its
// input, does it all at once, and prints how often it succeeded.
import { text } from "node:stream/consumers";
import { PgCardStore } from "../../src/store/pg-card-store.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { createPgPool } from "../../src/store/pg-pool.ts";
import { inParallel } from "../fakes/in-parallel.ts";
import type { RaceWork } from "./race.ts";

const CLIENTS = 12;

const work = JSON.parse(await text(process.stdin)) as RaceWork;
const pool = createPgPool(work.databaseUrl, { max: CLIENTS, applicationName: "racer" });
const won =
  work.do === "spend"
    ? await inParallel(work.causes.length, CLIENTS, (index) => spend(index))
    : await inParallel(work.tries.length, CLIENTS, (index) => redeem(index));
await pool.end();
console.log(JSON.stringify({ won: won.filter(Boolean).length }));

/** Holds, then captures: as an answer does. Returns whether it was served. */
async function spend(index: number): Promise<boolean> {
  if (work.do !== "spend") return false;
  const ledger = new PgLedger(pool);
  const amount = BigInt(work.amount);
  const outcome = await ledger.placeHold({
    cause: work.causes[index] ?? "",
    accountId: work.account,
    model: "gpt-test",
    messageCost: null,
    creditMax: amount,
    creditMin: amount,
    leaseMs: 60_000,
  });
  if (outcome.status !== "held") return false;
  await ledger.captureHold(outcome.holdId, amount);
  return true;
}

async function redeem(index: number): Promise<boolean> {
  const attempt = work.do === "redeem" ? work.tries[index] : undefined;
  if (attempt === undefined) return false;
  const { outcome } = await new PgCardStore(pool).redeem(
    { accountId: attempt.account, identityKey: `telegram:${attempt.account}` },
    [Buffer.from(attempt.hmac, "hex")],
  );
  return outcome.status === "redeemed";
}
