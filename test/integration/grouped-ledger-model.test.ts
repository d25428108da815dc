import fc from "fast-check";
import type pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import type { HoldOutcome, Ledger } from "../../src/core/billing/ledger.ts";
import { createAccountId } from "../../src/core/ids.ts";
import { GroupedLedger } from "../../src/store/grouped-ledger.ts";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { holdOf, lotOf } from "../contract/ledger-under-test.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

const HOUR_MS = 60 * 60_000;
/** Nothing ends on the hour, so what a test takes to run decides nothing. */
const HALF_HOUR_MS = HOUR_MS / 2;
const ACCOUNTS = 3;

const account = fc.nat(ACCOUNTS - 1);
const index = fc.nat(40);
const grant = fc.record({
  account,
  amount: fc.bigInt(1n, 60n),
  unit: fc.constantFrom("credit" as const, "credit" as const, "message" as const),
  kind: fc.constantFrom("trial" as const, "card" as const, "paid" as const),
  priority: fc.constantFrom(10, 50),
  hours: fc.integer({ min: 1, max: 24 }),
  modelScope: fc.constantFrom(null, null, [], ["a"]),
});
const hold = fc.record({
  do: fc.constant("hold" as const),
  account,
  // Below zero is refused.
  creditMax: fc.bigInt(-1n, 50n),
  percentMin: fc.bigInt(0n, 100n),
  messageCost: fc.constantFrom(null, null, null, 0n, 1n, 20n),
  model: fc.constantFrom("a", "b"),
  hours: fc.integer({ min: 0, max: 6 }),
});
const call = fc.oneof(
  { weight: 5, arbitrary: hold },
  // More than was held is refused.
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("capture" as const),
      index,
      percent: fc.bigInt(0n, 105n),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("repeat" as const), index }) },
);
const between = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release" as const), index }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      hours: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "sweep" as const }) },
  { weight: 1, arbitrary: grant.map((lot) => ({ do: "grant" as const, lot })) },
);
const course = fc.record({
  grants: fc.array(grant, { minLength: 4, maxLength: 8 }),
  rounds: fc.array(fc.record({ calls: fc.array(call, { minLength: 2, maxLength: 12 }), between }), {
    minLength: 2,
    maxLength: 6,
    size: "max",
  }),
});
type Grant = typeof grant extends fc.Arbitrary<infer Value> ? Value : never;
type Call = typeof call extends fc.Arbitrary<infer Value> ? Value : never;
type Between = typeof between extends fc.Arbitrary<infer Value> ? Value : never;
type HoldCall = Extract<Call, { do: "hold" }>;

/** Three accounts and one ledger; what it answers is told apart from the ids it makes up. */
class Driver {
  readonly #ledger: Ledger;
  readonly #pool: pg.Pool;
  readonly #accounts = Array.from({ length: ACCOUNTS }, createAccountId);
  readonly #holds: (Extract<HoldOutcome, { status: "held" }> & { readonly hold: number })[] = [];
  readonly #asked: { readonly number: number; readonly call: HoldCall }[] = [];
  #grants = 0;

  constructor(ledger: Ledger, pool: pg.Pool) {
    this.#ledger = ledger;
    this.#pool = pool;
  }

  async open(): Promise<void> {
    await this.#pool.query("INSERT INTO account (id) SELECT unnest($1::text[])", [this.#accounts]);
  }

  async grant(lot: Grant): Promise<void> {
    this.#grants += 1;
    await this.#ledger.grant(
      lotOf(this.#id(lot.account), lot.amount, {
        cause: `${this.#id(0)}:${this.#grants}`,
        unit: lot.unit,
        kind: lot.kind,
        priority: lot.priority,
        modelScope: lot.modelScope,
        // A date of its own for every lot, else the order would hang on the milliseconds of granting.
        validUntil: new Date(
          Date.now() + lot.hours * HOUR_MS + HALF_HOUR_MS + this.#grants * 20_000,
        ),
      }),
    );
    // Lots that end together end in the order of their ids, which within a millisecond is any.
    await this.#pool.query("SELECT pg_sleep(0.002)");
  }

  /** Starts each call of a round; they can only be about holds of former rounds. */
  start(calls: readonly Call[]): (() => Promise<unknown>)[] {
    const known = [...this.#holds];
    const asked = [...this.#asked];
    return calls.map((next) => {
      if (next.do === "hold") {
        const number = this.#asked.push({ number: this.#asked.length, call: next }) - 1;
        return () => this.#hold(number, next);
      }
      if (next.do === "repeat") {
        const again = asked[next.index % asked.length];
        return async () => (again === undefined ? null : this.#hold(again.number, again.call));
      }
      const held = known[next.index % known.length];
      return async () =>
        held === undefined
          ? null
          : this.#ledger.captureHold(held.holdId, (held.amount * next.percent + 99n) / 100n);
    });
  }

  /** Holds become known in the order they were asked for, whenever they were answered. */
  settle(): void {
    this.#holds.sort((a, b) => a.hold - b.hold);
  }

  async do(step: Between): Promise<void> {
    if (step === null) return;
    if (step.do === "grant") return this.grant(step.lot);
    if (step.do === "release") {
      const held = this.#holds[step.index % this.#holds.length];
      return held === undefined ? undefined : this.#ledger.releaseHold(held.holdId);
    }
    if (step.do === "sweep") {
      await this.#ledger.releaseLapsedHolds(1_000);
      await this.#ledger.expireLots(1_000);
      return;
    }
    for (const [table, column] of [
      ["hold", "lease_until"],
      ["lot", "valid_until"],
    ]) {
      await this.#pool.query(
        `UPDATE ${table} SET ${column} = ${column} - $1::interval WHERE account_id = ANY($2)`,
        [`${step.hours} hours`, this.#accounts],
      );
    }
  }

  /** Every row about the accounts, without ids and dates. */
  async books(): Promise<unknown> {
    const books: unknown[] = [];
    for (const [number, id] of this.#accounts.entries()) {
      const read = async (text: string) =>
        JSON.parse(
          JSON.stringify((await this.#pool.query(text, [id])).rows, (_, value) =>
            typeof value === "bigint" ? `${value}` : value,
          )
            .replaceAll(id, `account ${number}`)
            .replaceAll(this.#id(0), "account 0"),
        );
      books.push(
        await read(`SELECT cause, remaining, expired_at IS NOT NULL AS expired FROM lot
          WHERE account_id = $1 ORDER BY cause`),
        await read(`SELECT cause, unit, model, amount, captured, due, state,
            resolved_at IS NOT NULL AS resolved FROM hold WHERE account_id = $1 ORDER BY cause`),
        await read(`SELECT h.cause AS hold, l.cause AS lot, p.position, p.amount
          FROM hold h CROSS JOIN LATERAL hold_parts(h, 0) p JOIN lot l ON l.id = p.lot_id
          WHERE h.account_id = $1 ORDER BY h.cause, p.position`),
        await read(`SELECT split_part(e.transfer, ':', 1) AS transfer, h.cause AS hold, e.line,
            e.from_account, e.to_account, e.unit, e.amount, l.cause AS lot, e.reason
          FROM entry e LEFT JOIN hold h ON h.id = e.hold_id LEFT JOIN lot l ON l.id = e.lot_id
          WHERE l.account_id = $1 ORDER BY e.id`),
      );
    }
    return books;
  }

  async #hold(number: number, next: HoldCall): Promise<unknown> {
    const outcome = await this.#ledger.placeHold(
      holdOf(this.#id(next.account), next.creditMax, {
        cause: `${this.#id(0)}:${number}`,
        creditMin: (next.creditMax * next.percentMin) / 100n,
        messageCost: next.messageCost,
        model: next.model,
        leaseMs: next.hours * HOUR_MS + HALF_HOUR_MS,
      }),
    );
    if (outcome.status !== "held") return outcome;
    if (!outcome.existed) this.#holds.push({ ...outcome, hold: number });
    return [outcome.unit, outcome.amount, outcome.existed];
  }

  #id(number: number): string {
    return this.#accounts[number] ?? "";
  }
}

const told = (work: Promise<unknown>) => work.catch(() => "refused");

let database: TestDatabase;
beforeAll(async () => {
  database = await emptyDatabase();
});

describe("GroupedLedger", () => {
  it("does to calls of one moment what the ledger does to the same calls one after the other", async () => {
    const { pool } = database;
    await fc.assert(
      fc.asyncProperty(course, async ({ grants, rounds }) => {
        // What earlier runs left must not count for the sweepers.
        await pool.query("UPDATE hold SET lease_until = 'infinity' WHERE state = 'open'");
        await pool.query("UPDATE lot SET valid_until = 'infinity' WHERE remaining > 0");
        // Patience without end: else a slow machine lets later calls overtake those that go alone.
        const ledger = new GroupedLedger(pool, { lanes: 1, patienceMs: 60_000 });
        const [grouped, single] = [new Driver(ledger, pool), new Driver(new PgLedger(pool), pool)];
        for (const driver of [grouped, single]) {
          await driver.open();
          for (const lot of grants) await driver.grant(lot);
        }
        for (const { calls, between: step } of rounds) {
          const expected: unknown[] = [];
          for (const start of single.start(calls)) expected.push(await told(start()));
          const answers = await Promise.all(grouped.start(calls).map((start) => told(start())));
          expect(answers).toEqual(expected);
          for (const driver of [grouped, single]) {
            driver.settle();
            await driver.do(step);
          }
          expect(await grouped.books()).toEqual(await single.books());
        }
        expect(await auditLedger(pool)).toEqual([]);
      }),
      { numRuns: 40, interruptAfterTimeLimit: 40_000 },
    );
    expect(await countShared(pool)).toBeGreaterThan(20);
  }, 60_000);
});

/** Transactions that placed more than one hold. */
async function countShared(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query(
    "SELECT 1 FROM entry WHERE reason = 'hold' GROUP BY xmin::text HAVING count(DISTINCT hold_id) > 1",
  );
  return rows.length;
}
