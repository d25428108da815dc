import type pg from "pg";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { HoldRequest, Ledger } from "../../src/core/billing/ledger.ts";
import { createAccountId } from "../../src/core/ids.ts";
import { GroupedLedger } from "../../src/store/grouped-ledger.ts";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { createPgPool } from "../../src/store/pg-pool.ts";
import { ledgerContract } from "../contract/ledger.contract.ts";
import { holdOf, lotOf, mustHold, type OpenLedger } from "../contract/ledger-under-test.ts";
import { BreakableProxy } from "../fakes/breakable-proxy.ts";
import { inParallel } from "../fakes/in-parallel.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

const YEAR_MS = 365 * 24 * 60 * 60_000;

vi.setConfig({ testTimeout: 60_000 });

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await emptyDatabase();
  pool = database.pool;
});

async function openAccount(...credits: bigint[]): Promise<string> {
  const id = createAccountId();
  await pool.query("INSERT INTO account (id) VALUES ($1)", [id]);
  const ledger = new GroupedLedger(pool);
  for (const [index, credit] of credits.entries()) {
    await ledger.grant(lotOf(id, credit, { priority: index }));
  }
  return id;
}

function opening(wrap: (ledger: Ledger) => Promise<Ledger>): OpenLedger {
  return async () => {
    // What earlier tests left must not count for the sweepers.
    await pool.query("UPDATE hold SET lease_until = 'infinity' WHERE state = 'open'");
    await pool.query("UPDATE lot SET valid_until = 'infinity' WHERE remaining > 0");
    return {
      ledger: await wrap(new GroupedLedger(pool, { lanes: 1 })),
      openAccount: () => openAccount(),
      async passTime(ms) {
        const interval = `${ms} milliseconds`;
        await pool.query("UPDATE hold SET lease_until = lease_until - $1::interval", [interval]);
        await pool.query("UPDATE lot SET valid_until = valid_until - $1::interval", [interval]);
      },
    };
  };
}

/** Never lets a call go alone: somebody else's calls, before it and after it, share its group. */
async function inCompany(ledger: Ledger): Promise<Ledger> {
  const stranger = await openAccount(1_000_000n);
  const strange = () => mustHold(ledger, holdOf(stranger, 2n, { leaseMs: YEAR_MS }));
  const share = async <Outcome>(call: () => Promise<Outcome>): Promise<Outcome> => {
    const { holdId } = await strange();
    const [, outcome, captured] = await Promise.allSettled([
      strange(),
      call(),
      ledger.captureHold(holdId, 1n),
    ]);
    expect(captured).toMatchObject({ value: { status: "captured", captured: 1n } });
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  };
  return {
    balance: (accountId) => ledger.balance(accountId),
    grant: (lot) => ledger.grant(lot),
    findGrantEntry: (cause) => ledger.findGrantEntry(cause),
    placeHold: (request) => share(() => ledger.placeHold(request)),
    captureHold: (holdId, amount) => share(() => ledger.captureHold(holdId, amount)),
    releaseHold: (holdId) => ledger.releaseHold(holdId),
    renewHold: (holdId, leaseMs) => ledger.renewHold(holdId, leaseMs),
    releaseLapsedHolds: (limit) => ledger.releaseLapsedHolds(limit),
    expireLots: (limit) => ledger.expireLots(limit),
    listEntries: (accountId, limit) => ledger.listEntries(accountId, limit),
    undo: (entryId, reason) => ledger.undo(entryId, reason),
    findUndone: (entryId) => ledger.findUndone(entryId),
  };
}

ledgerContract(
  "GroupedLedger",
  opening((ledger) => Promise.resolve(ledger)),
);
ledgerContract("GroupedLedger, in company,", opening(inCompany));

describe("GroupedLedger", () => {
  it("puts calls of one moment into one transaction", async () => {
    const ledger = new GroupedLedger(pool, { lanes: 1 });
    const accounts = await inParallel(8, 4, () => openAccount(100n));
    const holds = await Promise.all(accounts.map((id) => mustHold(ledger, holdOf(id, 40n))));
    await Promise.all(holds.map(({ holdId }) => ledger.captureHold(holdId, 30n)));
    const { rows } = await pool.query(
      `SELECT count(DISTINCT xmin::text) AS transactions, count(*) AS entries FROM entry
       WHERE hold_id = ANY($1) GROUP BY transfer LIKE 'hold:%' ORDER BY 2`,
      [holds.map(({ holdId }) => holdId)],
    );
    expect(rows).toEqual([
      { transactions: 1n, entries: 8n },
      { transactions: 1n, entries: 16n },
    ]);
    for (const id of accounts) {
      expect((await ledger.balance(id)).available.credit).toBe(70n);
    }
  });

  it("serves the first 100 of 1,000 holds at once when the balance covers 100", async () => {
    const account = await openAccount(300n, 250n, 150n);
    const ledger = new GroupedLedger(pool);
    const outcomes = await Promise.all(
      Array.from({ length: 1_000 }, () => ledger.placeHold(holdOf(account, 7n))),
    );
    expect(outcomes.slice(0, 100).every(({ status }) => status === "held")).toBe(true);
    expect(outcomes.slice(100)).toEqual(
      new Array(900).fill({ status: "insufficient", creditAvailable: 0n, messagesAvailable: 0n }),
    );
    const { lots, held } = await ledger.balance(account);
    expect([lots, held.credit]).toEqual([[], 700n]);
    expect(await auditLedger(pool)).toEqual([]);
  });

  it("overspends nothing when two programs and single calls work on one account", async () => {
    const account = await openAccount(300n, 250n, 150n);
    const ledgers = [new GroupedLedger(pool), new GroupedLedger(pool)];
    const outcomes = await inParallel(1_000, 64, async (index) => {
      const ledger = ledgers[index % ledgers.length] ?? new GroupedLedger(pool);
      const request = holdOf(account, 7n);
      const [outcome] = await Promise.all([ledger.placeHold(request), ledger.placeHold(request)]);
      if (outcome.status === "held" && index % 2 === 0) {
        await Promise.all([1, 2].map(() => ledger.captureHold(outcome.holdId, 7n)));
      }
      return outcome;
    });
    expect(outcomes.filter(({ status }) => status === "held")).toHaveLength(100);
    expect((await auditLedger(pool)).length).toBe(0);
  });

  it("tells each caller its own failure and nobody else's", async () => {
    const account = await openAccount(100n);
    const ledger = new GroupedLedger(pool, { lanes: 1 });
    const first = await mustHold(ledger, holdOf(account, 10n));
    const answers = await Promise.allSettled([
      ledger.placeHold(holdOf(account, 20n)),
      ledger.placeHold(holdOf(account, -1n)),
      ledger.placeHold(holdOf("NOBODY", 1n)),
      ledger.captureHold("0190a1b2-0000-7000-8000-000000000000", 0n),
      ledger.captureHold(first.holdId, 11n),
      ledger.captureHold(first.holdId, 10n),
      ledger.placeHold(holdOf(account, 70n)),
      ledger.placeHold(holdOf(account, 1n)),
    ]);
    const told = answers.map((answer) =>
      answer.status === "fulfilled" ? answer.value.status : String(answer.reason.message),
    );
    expect(told).toEqual([
      "held",
      expect.stringContaining("a hold needs"),
      expect.stringContaining("there is no account NOBODY"),
      expect.stringContaining("there is no hold"),
      expect.stringContaining("does not fit"),
      "captured",
      "held",
      "insufficient",
    ]);
    expect(await auditLedger(pool)).toEqual([]);
  });

  it("keeps the order of an account's calls when one of them has to go alone", async () => {
    const account = await openAccount(100n);
    const ledger = new GroupedLedger(pool, { lanes: 1, patienceMs: 60_000 });
    const lapsed = await mustHold(ledger, holdOf(account, 50n, { leaseMs: 1 }));
    await pool.query("UPDATE hold SET lease_until = now() WHERE id = $1", [lapsed.holdId]);
    await ledger.releaseLapsedHolds(1_000);
    const [before, capture, after] = await Promise.all([
      ledger.placeHold(holdOf(account, 30n)),
      ledger.captureHold(lapsed.holdId, 50n),
      ledger.placeHold(holdOf(account, 30n)),
    ]);
    expect(before.status).toBe("held");
    expect(capture).toEqual({ status: "captured", captured: 50n });
    expect(after).toMatchObject({ status: "insufficient", creditAvailable: 20n });
  });

  it("answers the others when one call makes no sense to the database at all", async () => {
    const account = await openAccount(100n);
    const ledger = new GroupedLedger(pool, { lanes: 1 });
    const [good, bad] = await Promise.allSettled([
      ledger.placeHold(holdOf(account, 20n)),
      ledger.captureHold("no uuid", 0n),
    ]);
    expect(good).toMatchObject({ value: { status: "held", amount: 20n, existed: false } });
    expect(bad).toMatchObject({ reason: { message: expect.stringContaining("uuid") } });
    expect((await ledger.balance(account)).held.credit).toBe(20n);
  });

  it("lets nobody wait for an account that somebody else has locked", async () => {
    const [locked, free] = [await openAccount(100n), await openAccount(100n)];
    const ledger = new GroupedLedger(pool, { lanes: 1 });
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      await client.query("SELECT lock_account($1)", [locked]);
      const order: string[] = [];
      const note = (name: string) => () => order.push(name);
      const waiting = [10n, 90n, 1n].map((amount) => ledger.placeHold(holdOf(locked, amount)));
      const first = ledger.placeHold(holdOf(free, 10n)).then(note("first"));
      await first;
      await ledger.placeHold(holdOf(free, 10n)).then(note("second"));
      order.push("unlocked");
      await client.query("COMMIT");
      const outcomes = await Promise.all(waiting);
      expect(order).toEqual(["first", "second", "unlocked"]);
      expect(outcomes.map(({ status }) => status)).toEqual(["held", "held", "insufficient"]);
    } finally {
      client.release();
    }
  });

  it("finds out what became of a group whose answer was lost", async () => {
    const accounts = [await openAccount(100n), await openAccount(100n)];
    const address = new URL(database.url);
    await using proxy = new BreakableProxy({
      host: address.hostname,
      port: Number(address.port),
    });
    address.port = String(await proxy.open());
    const broken = createPgPool(address.href, { max: 4, applicationName: "through a proxy" });
    const client = await pool.connect();
    try {
      const ledger = new GroupedLedger(broken, { lanes: 1 });
      // Both wait for their accounts in the database, so the answer is lost and not the question.
      await client.query("BEGIN");
      for (const id of accounts) await client.query("SELECT lock_account($1)", [id]);
      const requests = accounts.flatMap((id): HoldRequest[] => [holdOf(id, 60n), holdOf(id, 50n)]);
      const outcomes = Promise.all(requests.map((request) => ledger.placeHold(request)));
      await expect.poll(() => countWaiting(), { timeout: 10_000 }).toBe(2);
      proxy.freeze();
      await client.query("COMMIT");
      const causes = requests.map(({ cause }) => cause);
      await expect.poll(() => countHolds(causes), { timeout: 10_000 }).toBe(2n);
      proxy.drop();
      expect((await outcomes).map((outcome) => Reflect.get(outcome, "existed"))).toEqual([
        true,
        undefined,
        true,
        undefined,
      ]);
    } finally {
      client.release();
      await broken.end();
    }
    for (const id of accounts) {
      const { available, held } = await new GroupedLedger(pool).balance(id);
      expect([available.credit, held.credit]).toEqual([40n, 60n]);
    }
    expect(await auditLedger(pool)).toEqual([]);
  });

  it("charges every answer once although connections are killed all the time", async () => {
    const accounts = await inParallel(6, 6, () => openAccount(60_000n, 60_000n));
    const own = createPgPool(database.url, { max: 8, applicationName: "grouped clients" });
    const ledger = new GroupedLedger(own);
    let killed = 0;
    try {
      const charges = await inParallel(600, 48, async (index) => {
        const account = accounts[index % accounts.length] ?? "";
        const request = holdOf(account, 100n);
        const { holdId } = await untilAnswered(() => mustHold(ledger, request));
        if (index % 10 === 0) killed += await killOne("grouped clients");
        const charge = BigInt(index % 90);
        await untilAnswered(() => ledger.captureHold(holdId, charge));
        return charge;
      });
      expect(killed).toBeGreaterThan(5);
      const spent = charges.reduce((sum, charge) => sum + charge, 0n);
      let left = 0n;
      for (const id of accounts) {
        const { available, held } = await ledger.balance(id);
        expect(held.credit).toBe(0n);
        left += available.credit;
      }
      expect(left).toBe(6n * 120_000n - spent);
    } finally {
      await own.end();
    }
    expect(await auditLedger(pool)).toEqual([]);
  });
});

async function countWaiting(): Promise<number> {
  const { rows } = await pool.query(
    `SELECT 1 FROM pg_stat_activity WHERE application_name = 'through a proxy'
       AND datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows.length;
}

async function countHolds(causes: readonly string[]): Promise<bigint> {
  const { rows } = await pool.query<{ count: bigint }>(
    "SELECT count(*) FROM hold WHERE cause = ANY($1)",
    [causes],
  );
  return rows[0]?.count ?? 0n;
}

async function killOne(applicationName: string): Promise<number> {
  const { rowCount } = await pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = $1 AND datname = current_database() AND state = 'active'
     ORDER BY random() LIMIT 1`,
    [applicationName],
  );
  return rowCount ?? 0;
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
