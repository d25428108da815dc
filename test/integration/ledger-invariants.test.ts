import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createAccountId } from "../../src/core/ids.ts";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { createPgPool } from "../../src/store/pg-pool.ts";
import { holdOf, lotOf, mustHold } from "../contract/ledger-under-test.ts";
import { inParallel } from "../fakes/in-parallel.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

const CLIENTS = 32;
const APPLICATION = "ledger clients";

// Thousands of transactions take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

let database: TestDatabase;
let pool: pg.Pool;
let ledger: PgLedger;

beforeAll(async () => {
  database = await emptyDatabase();
  pool = createPgPool(database.url, { max: CLIENTS, applicationName: APPLICATION });
  ledger = new PgLedger(pool);
});
afterAll(() => pool.end());

async function openAccount(...credits: bigint[]): Promise<string> {
  const id = createAccountId();
  await pool.query("INSERT INTO account (id) VALUES ($1)", [id]);
  for (const [index, credit] of credits.entries()) {
    await ledger.grant(lotOf(id, credit, { priority: index }));
  }
  return id;
}

/** The same numbers for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const pick = <Item>(items: readonly Item[], random: (below: number) => number): Item => {
  const item = items[random(items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
};

describe("Races on one account", () => {
  it("serve exactly 100 of 1,000 holds at once when the balance covers 100", async () => {
    const account = await openAccount(300n, 250n, 150n);
    const outcomes = await inParallel(1_000, CLIENTS, () => ledger.placeHold(holdOf(account, 7n)));
    expect(outcomes.filter(({ status }) => status === "held")).toHaveLength(100);
    const { lots, available, held } = await ledger.balance(account);
    expect([lots, available.credit, held.credit]).toEqual([[], 0n, 700n]);
    expect(await auditLedger(pool)).toEqual([]);
  });

  it("hold both lots when two sessions want one each, and none twice", async () => {
    const account = await openAccount(10n, 10n);
    const first = await pool.connect();
    try {
      await first.query("BEGIN");
      const one = await mustHold(new PgLedger(first), holdOf(account, 10n));
      const waiting = ledger.placeHold(holdOf(account, 10n));
      await waitForLockWait();
      await first.query("COMMIT");
      const two = await waiting;
      expect([one.amount, two.status]).toEqual([10n, "held"]);
    } finally {
      first.release();
    }
    const { available, held } = await ledger.balance(account);
    expect([available.credit, held.credit]).toEqual([0n, 20n]);
    expect(await auditLedger(pool)).toEqual([]);
  });

  it("make one hold of one cause from 16 clients", async () => {
    const account = await openAccount(100n);
    const request = holdOf(account, 9n);
    const outcomes = await inParallel(16, CLIENTS, () => mustHold(ledger, request));
    expect(new Set(outcomes.map(({ holdId }) => holdId)).size).toBe(1);
    expect(outcomes.filter(({ existed }) => !existed)).toHaveLength(1);
    expect((await ledger.balance(account)).held.credit).toBe(9n);
  });

  it("grant one lot and take it back once, whatever arrives at once", async () => {
    const account = await openAccount();
    const lot = lotOf(account, 100n);
    const grants = await inParallel(16, CLIENTS, () => ledger.grant(lot));
    expect(grants.filter(Boolean)).toHaveLength(1);
    const entry = await ledger.findGrantEntry(lot.cause);
    const undone = await Promise.allSettled(
      Array.from({ length: 16 }, () => ledger.undo(entry, "by mistake")),
    );
    expect(undone.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect((await ledger.balance(account)).available.credit).toBe(0n);
  });

  it("capture a hold once and never release it as well", async () => {
    const account = await openAccount(1_000n);
    for (let round = 0; round < 20; round += 1) {
      const { holdId } = await mustHold(ledger, holdOf(account, 10n));
      const captures = inParallel(8, CLIENTS, () => ledger.captureHold(holdId, 3n));
      const [outcomes] = await Promise.all([
        captures,
        inParallel(8, CLIENTS, () => ledger.renewHold(holdId, 60_000)),
      ]);
      await ledger.releaseHold(holdId);
      expect(outcomes.filter(({ status }) => status === "captured")).toHaveLength(1);
    }
    expect((await ledger.balance(account)).available.credit).toBe(940n);
  });

  it("do not stop the sweepers, which come back for what was locked", async () => {
    const busy = await openAccount(10n);
    const idle = await openAccount(10n);
    for (const account of [busy, idle]) {
      await mustHold(ledger, holdOf(account, 4n, { leaseMs: 1 }));
    }
    await pool.query("UPDATE lot SET valid_until = now() WHERE account_id = ANY($1)", [
      [busy, idle],
    ]);
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      await client.query("SELECT lock_account($1)", [busy]);
      expect([await ledger.releaseLapsedHolds(10), await ledger.expireLots(10)]).toEqual([1, 1]);
      await client.query("COMMIT");
    } finally {
      client.release();
    }
    expect([await ledger.releaseLapsedHolds(10), await ledger.expireLots(10)]).toEqual([1, 1]);
  });

  /** Until a client waits for the lock another one holds. */
  async function waitForLockWait(): Promise<void> {
    await expect
      .poll(
        async () => {
          const { rows } = await database.pool.query(
            `SELECT 1 FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          );
          return rows.length;
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0);
  }
});

describe("Random lives of holds from many clients", () => {
  it.each([1, 2, 3])("leave books that add up, seed %i", async (seed) => {
    const random = randomFrom(seed);
    const accounts = await inParallel(8, CLIENTS, () => openAccount(400n, 300n));
    const lives = inParallel(500, CLIENTS, () => liveOnce(random, pick(accounts, random)));
    const sweeps = inParallel(3, CLIENTS, () => sweepUntil(lives));
    await lives;
    await sweeps;
    await lapse();
    while ((await ledger.releaseLapsedHolds(50)) > 0);
    expect(await auditLedger(pool)).toEqual([]);
    const { rows } = await pool.query("SELECT 1 FROM hold WHERE state = 'open'");
    expect(rows).toEqual([]);
    for (const account of accounts) {
      const { available, held } = await ledger.balance(account);
      expect(held).toEqual({ credit: 0n, message: 0n });
      expect(available.credit).toBeGreaterThanOrEqual(0n);
    }
  });

  it("charge every answer once although connections are killed all the time", async () => {
    const account = await openAccount(100_000n);
    let killed = 0;
    const charges = await inParallel(200, CLIENTS, async (index) => {
      const request = holdOf(account, 100n);
      const { holdId } = await untilAnswered(() => mustHold(ledger, request));
      if (index % 5 === 0) killed += await killOneClient();
      const charge = BigInt(index % 90);
      await untilAnswered(() => ledger.captureHold(holdId, charge));
      return charge;
    });
    expect(killed).toBeGreaterThan(5);
    const spent = charges.reduce((sum, charge) => sum + charge, 0n);
    const { available, held } = await ledger.balance(account);
    expect([available.credit, held.credit]).toEqual([100_000n - spent, 0n]);
    expect(await auditLedger(pool)).toEqual([]);
  });

  /** One reply: everything is sent twice, some at once, and what ends it is left to chance. */
  async function liveOnce(random: (below: number) => number, account: string): Promise<void> {
    const leaseMs = random(3) === 0 ? 1 : 60_000;
    const request = holdOf(account, BigInt(1 + random(60)), { creditMin: 1n, leaseMs });
    const [outcome] = await twice(() => ledger.placeHold(request));
    if (outcome.status !== "held") {
      await twice(() => ledger.grant(lotOf(account, 50n, { cause: `more:${request.cause}` })));
      return;
    }
    const charge = BigInt(random(Number(outcome.amount) + 1));
    const end = random(4);
    if (end < 2) await twice(() => ledger.captureHold(outcome.holdId, charge));
    if (end === 2) await twice(() => ledger.releaseHold(outcome.holdId));
    if (random(20) === 0) {
      const lot = lotOf(account, 20n);
      await ledger.grant(lot);
      const entry = await ledger.findGrantEntry(lot.cause);
      await ledger.undo(entry, "by mistake").catch(mustBeUsedUp);
    }
  }

  async function sweepUntil(lives: Promise<unknown>): Promise<void> {
    let isOver = false;
    const over = lives.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await ledger.releaseLapsedHolds(20);
      await ledger.expireLots(20);
    }
    await over;
  }

  const lapse = () => pool.query("UPDATE hold SET lease_until = now() WHERE state = 'open'");
});

const twice = <Result>(work: () => Promise<Result>) => Promise.all([work(), work()]);

function mustBeUsedUp(error: unknown): void {
  expect(error).toMatchObject({ code: "cannot_undo" });
}

/** Asks again when the connection breaks, as a job of the queue does. */
async function untilAnswered<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const message = error instanceof Error ? error.message : "";
      if (attempt > 50 || !/terminat|connection|ECONNRESET/i.test(message)) throw error;
    }
  }
}

async function killOneClient(): Promise<number> {
  const { rowCount } = await database.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = $1 AND state = 'active' ORDER BY random() LIMIT 1`,
    [APPLICATION],
  );
  return rowCount ?? 0;
}
