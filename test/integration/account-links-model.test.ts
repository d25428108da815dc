import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { type Chatter, holdMessages, LinkWorld } from "../contract/account-links-world.ts";
import { holdOf, lotOf } from "../contract/ledger-under-test.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

const PEOPLE = 4;
const TRIAL = 10n;

const who = fc.nat(PEOPLE - 1);
const index = fc.nat(30);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("grant" as const),
      who,
      amount: fc.bigInt(1n, 40n),
      unit: fc.constantFrom("credit" as const, "message" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("hold" as const), who, amount: fc.bigInt(1n, 60n) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("ask" as const), who, amount: fc.bigInt(1n, 4n) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("capture" as const),
      index,
      percent: fc.bigInt(0n, 100n),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("release" as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lapse" as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("undo" as const), index }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("link" as const), who, into: who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("unlink" as const), who }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
const course = fc.array(step, { minLength: 15, maxLength: 50, size: "max" });

let database: TestDatabase;
let world: LinkWorld;
beforeAll(async () => {
  database = await emptyDatabase();
  world = new LinkWorld(database.pool);
});

/** A course of events. Everything is done with the ids that people had at first, old as they are. */
class Course {
  readonly #people: Chatter[] = [];
  readonly #holds: { readonly id: string; readonly amount: bigint }[] = [];
  readonly #grants: string[] = [];
  #charged = 0n;
  #granted = 0n;

  async begin(): Promise<void> {
    for (let count = 0; count < PEOPLE; count += 1) {
      this.#people.push(await world.meetWithTrial(TRIAL, TRIAL));
    }
  }

  async run(next: Step): Promise<void> {
    const { ledger } = world;
    switch (next.do) {
      case "grant": {
        const cause = `${this.#person(0).id}:${this.#grants.length}`;
        this.#grants.push(cause);
        const { amount, unit } = next;
        await ledger.grant(lotOf(this.#person(next.who).id, amount, { cause, unit, kind: "card" }));
        this.#granted += amount;
        return;
      }
      case "hold":
        return await this.#hold(
          holdOf(this.#person(next.who).id, next.amount, { messageCost: null, creditMin: 1n }),
        );
      case "ask":
        return await this.#hold(holdMessages(this.#person(next.who).id, next.amount));
      case "undo": {
        const cause = this.#grants[next.index % this.#grants.length];
        if (cause === undefined) return;
        const entry = await ledger.findGrantEntry(cause);
        const done = await ledger.undo(entry, "by mistake").catch(() => null);
        this.#granted -= done?.amount ?? 0n;
        return;
      }
      case "link":
        await world.link(this.#person(next.who), this.#person(next.into));
        return;
      case "unlink":
        await world.unlink(this.#person(next.who));
        return;
      default:
        await this.#resolve(next);
    }
  }

  /** What all of them have and had, whoever owns it now. */
  async expectThatAllIsThere(): Promise<void> {
    expect(await auditLedger(database.pool)).toEqual([]);
    const ids = this.#people.map(({ id }) => id);
    const [sums] = await world.rows<{ left: bigint; gone: bigint; held: bigint }>(
      `WITH mine AS (
         SELECT DISTINCT l.* FROM lot l JOIN entry e ON e.lot_id = l.id AND e.transfer LIKE 'grant:%'
         WHERE substr(e.to_account, 6) = ANY($1) OR l.account_id = ANY($1))
       SELECT (SELECT sum(remaining) FROM mine)::bigint AS left,
         (SELECT coalesce(sum(h.amount), 0) FROM hold h WHERE h.state = 'open'
           AND h.account_id = ANY($1))::bigint AS held,
         (SELECT coalesce(sum(e.amount), 0) FROM entry e JOIN mine l ON l.id = e.lot_id
           WHERE e.to_account IN ('promotions', 'breakage') AND e.transfer NOT LIKE 'undo:%')::bigint AS gone`,
      [ids],
    );
    const all = (sums?.left ?? 0n) + (sums?.gone ?? 0n) + (sums?.held ?? 0n) + this.#charged;
    expect(all).toBe(this.#granted + TRIAL * BigInt(PEOPLE));
    // Of the trials, no account has more than one person gets.
    const trials = await world.rows<{ left: bigint }>(
      `SELECT sum(remaining)::bigint AS left FROM lot
       WHERE account_id = ANY($1) AND kind = 0 GROUP BY account_id`,
      [ids],
    );
    for (const { left } of trials) expect(left).toBeLessThanOrEqual(TRIAL);
  }

  async #hold(request: Parameters<typeof world.ledger.placeHold>[0]): Promise<void> {
    const outcome = await world.ledger.placeHold(request);
    if (outcome.status === "held") this.#holds.push({ id: outcome.holdId, amount: outcome.amount });
  }

  async #resolve(next: Extract<Step, { do: "capture" | "release" | "lapse" }>): Promise<void> {
    const hold = this.#holds[next.index % this.#holds.length];
    if (hold === undefined) return;
    if (next.do === "lapse") {
      await world.pool.query("UPDATE hold SET lease_until = now() WHERE id = $1", [hold.id]);
      await world.ledger.releaseLapsedHolds(100);
    } else if (next.do === "release") {
      await world.ledger.releaseHold(hold.id);
    } else {
      const amount = (hold.amount * next.percent) / 100n;
      const outcome = await world.ledger.captureHold(hold.id, amount).catch(() => null);
      if (outcome?.status === "captured") this.#charged += outcome.captured;
    }
  }

  #person(number: number): Chatter {
    const person = this.#people[number];
    if (person === undefined) throw new Error("there is no such person");
    return person;
  }
}

describe("Any course of grants, holds, charges, links and unlinks", () => {
  it("keeps books that add up, loses nothing and makes no second trial", async () => {
    await fc.assert(
      fc.asyncProperty(course, async (steps) => {
        const run = new Course();
        await run.begin();
        for (const next of steps) await run.run(next);
        await run.expectThatAllIsThere();
      }),
      { numRuns: 40, interruptAfterTimeLimit: 40_000 },
    );
  }, 60_000);
});
