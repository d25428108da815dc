import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { HoldOutcome, Ledger } from "../../src/core/billing/ledger.ts";
import type { NewLot } from "../../src/core/billing/lot.ts";
import { UserError } from "../../src/core/errors.ts";
import { createAccountId } from "../../src/core/ids.ts";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { holdOf, lotOf } from "../contract/ledger-under-test.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryLedger } from "../fakes/memory-ledger.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

const HOUR_MS = 60 * 60_000;
/** Nothing ends on the hour, so what a test takes to run decides nothing. */
const HALF_HOUR_MS = HOUR_MS / 2;

const index = fc.nat(30);
const grant = fc.record({
  do: fc.constant("grant" as const),
  amount: fc.bigInt(1n, 40n),
  unit: fc.constantFrom("credit" as const, "credit" as const, "message" as const),
  kind: fc.constantFrom("trial" as const, "card" as const, "paid" as const),
  priority: fc.constantFrom(10, 50),
  hours: fc.integer({ min: 2, max: 24 }),
  modelScope: fc.constantFrom(null, [], ["a"]),
});
const step = fc.oneof(
  { weight: 2, arbitrary: grant },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("hold" as const),
      creditMax: fc.bigInt(0n, 80n),
      percentMin: fc.bigInt(0n, 100n),
      messageCost: fc.constantFrom(null, null, null, 0n, 1n, 30n),
      model: fc.constantFrom("a", "b"),
      hours: fc.integer({ min: 0, max: 6 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("capture" as const),
      index,
      percent: fc.bigInt(0n, 100n),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("release" as const, "renew" as const), index }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("undo" as const), index }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      hours: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("sweep" as const) }) },
);
/** Some lots first, so that there is something to hold. */
const course = fc
  .tuple(
    fc.array(grant, { minLength: 4, maxLength: 6 }),
    fc.array(step, { minLength: 10, maxLength: 40, size: "max" }),
  )
  .map(([grants, steps]): Step[] => [...grants, ...steps]);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

interface Time {
  now(): Date;
  pass(ms: number): Promise<void>;
}

/** One ledger, driven step by step; what it answers is told apart from the ids it makes up. */
class Driver {
  readonly #ledger: Ledger;
  readonly #time: Time;
  readonly #account: string;
  readonly #holds: Extract<HoldOutcome, { status: "held" }>[] = [];
  readonly #grants: string[] = [];

  constructor(ledger: Ledger, account: string, time: Time) {
    this.#ledger = ledger;
    this.#account = account;
    this.#time = time;
  }

  /** Does a step twice, as if the first answer had been lost. */
  async run(next: Step, number: number): Promise<unknown> {
    const once = await this.#answer(next, number);
    // Time and sweeps are not requests that are repeated.
    const again =
      next.do === "pass" || next.do === "sweep" ? null : await this.#answer(next, number);
    const { lots, available, held } = await this.#ledger.balance(this.#account);
    const entries = await this.#ledger.listEntries(this.#account, 1_000);
    return {
      once,
      again,
      available,
      held,
      lots: lots.map((lot) => [lot.unit, lot.kind, lot.granted, lot.remaining, lot.modelScope]),
      entries: entries
        .map((entry) =>
          [entry.fromAccount, entry.toAccount, entry.unit, entry.amount, entry.reason].join(" "),
        )
        .sort(),
    };
  }

  async #answer(next: Step, number: number): Promise<unknown> {
    try {
      return await this.#do(next, number);
    } catch (error) {
      return { failed: error instanceof UserError ? error.code : "a bug" };
    }
  }

  async #do(next: Step, number: number): Promise<unknown> {
    switch (next.do) {
      case "grant": {
        const cause = `${this.#account}:${number}`;
        this.#grants.push(cause);
        return this.#ledger.grant(newLot(this.#account, cause, next, number, this.#time.now()));
      }
      case "hold": {
        const outcome = await this.#ledger.placeHold(
          holdOf(this.#account, next.creditMax, {
            cause: `${this.#account}:${number}`,
            creditMin: (next.creditMax * next.percentMin) / 100n,
            messageCost: next.messageCost,
            model: next.model,
            leaseMs: next.hours * HOUR_MS + HALF_HOUR_MS,
          }),
        );
        if (outcome.status !== "held") return outcome;
        this.#holds.push(outcome);
        return [outcome.unit, outcome.amount, outcome.existed];
      }
      case "pass":
        return this.#time.pass(next.hours * HOUR_MS);
      case "sweep":
        return [await this.#ledger.releaseLapsedHolds(1_000), await this.#ledger.expireLots(1_000)];
      case "undo": {
        const cause = this.#grants[next.index % this.#grants.length];
        if (cause === undefined) return null;
        return this.#ledger.undo(await this.#ledger.findGrantEntry(cause), "by mistake");
      }
      default:
        return this.#resolve(next);
    }
  }

  async #resolve(next: Extract<Step, { do: "capture" | "release" | "renew" }>): Promise<unknown> {
    const hold = this.#holds[next.index % this.#holds.length];
    if (hold === undefined) return null;
    if (next.do === "capture") {
      return this.#ledger.captureHold(hold.holdId, (hold.amount * next.percent) / 100n);
    }
    if (next.do === "release") return this.#ledger.releaseHold(hold.holdId);
    return this.#ledger.renewHold(hold.holdId, HOUR_MS + HALF_HOUR_MS);
  }
}

function newLot(
  account: string,
  cause: string,
  next: Extract<Step, { do: "grant" }>,
  number: number,
  now: Date,
): NewLot {
  return lotOf(account, next.amount, {
    cause,
    unit: next.unit,
    kind: next.kind,
    priority: next.priority,
    modelScope: next.modelScope,
    // A date of its own for every lot, else the order would hang on the milliseconds of granting.
    validUntil: new Date(now.getTime() + next.hours * HOUR_MS + HALF_HOUR_MS + number * 20_000),
  });
}

let database: TestDatabase;

beforeAll(async () => {
  database = await emptyDatabase();
});

describe("PgLedger and MemoryLedger", () => {
  it("answer the same to any course of events, and the books add up", async () => {
    await fc.assert(
      fc.asyncProperty(course, async (steps) => {
        const account = createAccountId();
        const clock = new FakeClock({ start: new Date() });
        const inMemory = new Driver(new MemoryLedger(clock), account, {
          now: () => clock.now(),
          pass: (ms) => clock.advance(ms),
        });
        const inPostgres = await openInPostgres(account);
        for (const [number, next] of steps.entries()) {
          const [expected, answer] = [
            await inMemory.run(next, number),
            await inPostgres.run(next, number),
          ];
          expect(answer).toEqual(expected);
        }
        expect(await auditLedger(database.pool)).toEqual([]);
      }),
      { numRuns: 25, interruptAfterTimeLimit: 40_000 },
    );
  }, 60_000);

  async function openInPostgres(account: string): Promise<Driver> {
    const { pool } = database;
    // What earlier runs left must not count for the sweepers.
    await pool.query("UPDATE hold SET lease_until = 'infinity' WHERE state = 'open'");
    await pool.query("UPDATE lot SET valid_until = 'infinity' WHERE remaining > 0");
    await pool.query("INSERT INTO account (id) VALUES ($1)", [account]);
    return new Driver(new PgLedger(pool), account, {
      now: () => new Date(),
      // Postgres has its own clock: everything gets older instead.
      async pass(ms) {
        for (const [table, column] of [
          ["hold", "lease_until"],
          ["lot", "valid_until"],
        ]) {
          await pool.query(
            `UPDATE ${table} SET ${column} = ${column} - $1::interval WHERE account_id = $2`,
            [`${ms} milliseconds`, account],
          );
        }
      },
    });
  }
});
