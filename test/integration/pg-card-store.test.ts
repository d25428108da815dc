import { beforeAll, describe, expect, it, vi } from "vitest";
import { createAccountId } from "../../src/core/ids.ts";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { PgCardStore } from "../../src/store/pg-card-store.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { cardStoreContract } from "../contract/card-store.contract.ts";
import {
  type CardsUnderTest,
  DAY_MS,
  makeBatch,
  pepper,
  tryCode,
  wrongCode,
} from "../contract/card-store-under-test.ts";
import { inParallel } from "../fakes/in-parallel.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

/** As many as the pool of a test has connections. */
const CLIENTS = 10;

// Thousands of transactions take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

let database: TestDatabase;
beforeAll(async () => {
  database = await emptyDatabase();
});

async function openCards(): Promise<CardsUnderTest> {
  const { pool } = database;
  return {
    cards: new PgCardStore(pool),
    ledger: new PgLedger(pool),
    async openAccount(ageMs = 0) {
      const id = createAccountId();
      await pool.query("INSERT INTO account (id, created_at) VALUES ($1, $2)", [
        id,
        new Date(Date.now() - ageMs),
      ]);
      return id;
    },
    async passTime(ms) {
      const columns = [
        ["account", "created_at"],
        ["lot", "valid_until"],
        ["card_batch", "redeem_until"],
        ["redeem_guess", "window_start"],
        ["redeem_guess", "locked_until"],
      ];
      for (const [table, column] of columns) {
        await pool.query(`UPDATE ${table} SET ${column} = ${column} - $1::interval`, [
          `${ms} milliseconds`,
        ]);
      }
    },
  };
}

cardStoreContract("PgCardStore", openCards);

describe("PgCardStore", () => {
  it("keeps no code in any column, only what cannot be turned back", async () => {
    const { cards } = await openCards();
    const { codes } = await makeBatch(cards);
    const { rows } = await database.pool.query<{ row: string }>(
      "SELECT card::text AS row FROM card UNION ALL SELECT card_batch::text FROM card_batch",
    );
    for (const code of codes) {
      expect(rows.filter(({ row }) => row.includes(code.slice(4, 24)))).toEqual([]);
    }
  });

  it("makes a batch in several portions, all cards different", async () => {
    const { cards } = await openCards();
    const { name, codes } = await makeBatch(cards, { count: 5_000 });
    expect(new Set(codes).size).toBe(5_000);
    expect((await cards.findBatch(name))?.cards).toEqual({ active: 5_000, redeemed: 0, void: 0 });
  });

  it("makes the whole batch or nothing", async () => {
    const { cards } = await openCards();
    const { name, codes } = await makeBatch(cards, { count: 1 });
    const card = {
      id: "0190a1b2-0000-7000-8000-000000000001",
      serial: 1,
      codeHmac: pepper.hmac(codes[0] ?? ""),
      pepperVersion: 1,
      last4: "0000",
    };
    const batch = await cards.findBatch(name);
    if (batch === null) throw new Error("the batch exists");
    const twin = { ...batch, id: "0190a1b2-0000-7000-8000-000000000002", name: "twin" };
    await expect(cards.createBatch(twin, [[card]])).rejects.toThrow("card_code_hmac_key");
    expect(await cards.findBatch("twin")).toBeNull();
  });

  it("gives one card to exactly one of 1,000 accounts at once and locks nobody out", async () => {
    const { cards } = await openCards();
    const { codes } = await makeBatch(cards);
    const ids = Array.from({ length: 1_000 }, createAccountId);
    await database.pool.query("INSERT INTO account (id) SELECT unnest($1::text[])", [ids]);
    const outcomes = await inParallel(ids.length, CLIENTS, (index) =>
      tryCode(cards, ids[index] ?? "", codes[0]),
    );
    const statuses = outcomes.map(({ status }) => status);
    expect(statuses.filter((status) => status === "redeemed")).toHaveLength(1);
    expect(statuses.filter((status) => status === "invalid_or_used")).toHaveLength(999);
    const loser = ids[statuses.indexOf("invalid_or_used")] ?? "";
    expect((await tryCode(cards, loser, codes[1])).status).toBe("redeemed");
    expect(await auditLedger(database.pool)).toEqual([]);
  });

  it("adds a card once when its owner sends it 100 times at once", async () => {
    const { cards, ledger, openAccount } = await openCards();
    const { codes } = await makeBatch(cards);
    const account = await openAccount();
    const outcomes = await inParallel(100, CLIENTS, () => tryCode(cards, account, codes[0]));
    const statuses = outcomes.map(({ status }) => status);
    expect(statuses.filter((status) => status === "redeemed")).toHaveLength(1);
    expect(statuses.filter((status) => status === "already_yours")).toHaveLength(99);
    expect((await ledger.balance(account)).available.message).toBe(5n);
  });

  it("looks at no more than five of 100 wrong codes that one account sends at once", async () => {
    const { cards, openAccount } = await openCards();
    const account = await openAccount(2 * DAY_MS);
    const outcomes = await inParallel(100, CLIENTS, () => tryCode(cards, account, wrongCode()));
    const seen = outcomes.filter(({ status }) => status === "invalid_or_used");
    expect(seen).toHaveLength(5);
  });

  it.each(["lot", "entry", "redeem_guess"])(
    "changes nothing at all when saving the %s fails",
    async (table) => {
      const { cards, ledger, openAccount } = await openCards();
      const { name, codes } = await makeBatch(cards, { perAccountMax: 1 });
      const account = await openAccount(2 * DAY_MS);
      const isGuess = table === "redeem_guess";
      await database.pool.query(`
        CREATE FUNCTION break_it() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'broken on purpose'; END $$;
        CREATE TRIGGER broken AFTER INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION break_it()`);
      const code = isGuess ? wrongCode() : codes[0];
      await expect(tryCode(cards, account, code)).rejects.toThrow("broken on purpose");
      await database.pool.query(`DROP TRIGGER broken ON ${table}; DROP FUNCTION break_it()`);
      expect((await cards.findBatch(name))?.cards.redeemed).toBe(0);
      expect((await ledger.balance(account)).lots).toEqual([]);
      expect((await tryCode(cards, account, codes[0])).status).toBe("redeemed");
    },
  );

  it("waits with freezing for cards that are just being redeemed, so that none comes after", async () => {
    const { cards, openAccount } = await openCards();
    const { name, codes } = await makeBatch(cards);
    const account = await openAccount();
    const hmacs = [Buffer.from(pepper.hmac(codes[0] ?? ""))];
    const client = await database.pool.connect();
    try {
      await client.query("BEGIN");
      await client.query("SELECT redeem_card($1, $2, gen_random_uuid())", [hmacs, account]);
      const freezing = cards.changeBatch(name, "freeze");
      await waitForLockWait();
      await client.query("COMMIT");
      expect((await freezing).before.cards).toEqual({ active: 2, redeemed: 1, void: 0 });
    } finally {
      client.release();
    }
  });

  it("waits with redeeming for a batch that is just being made void", async () => {
    const { cards, openAccount } = await openCards();
    const { name, codes } = await makeBatch(cards);
    const account = await openAccount();
    const client = await database.pool.connect();
    try {
      await client.query("BEGIN");
      await client.query("UPDATE card_batch SET state = 'void' WHERE name = $1", [name]);
      const redeeming = tryCode(cards, account, codes[0]);
      await waitForLockWait();
      await client.query("COMMIT");
      expect(await redeeming).toEqual({ status: "invalid_or_used" });
    } finally {
      client.release();
    }
  });

  /** Until a connection waits for the lock another one holds. */
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
