import { beforeAll } from "vitest";
import { createAccountId } from "../../src/core/ids.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { ledgerContract } from "../contract/ledger.contract.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await emptyDatabase();
});

ledgerContract("PgLedger", async () => {
  const { pool } = database;
  // What earlier tests left must not count for the sweepers.
  await pool.query("UPDATE hold SET lease_until = 'infinity' WHERE state = 'open'");
  await pool.query("UPDATE lot SET valid_until = 'infinity' WHERE remaining > 0");
  return {
    ledger: new PgLedger(pool),
    async openAccount() {
      const id = createAccountId();
      await pool.query("INSERT INTO account (id) VALUES ($1)", [id]);
      return id;
    },
    async passTime(ms) {
      const interval = `${ms} milliseconds`;
      await pool.query("UPDATE hold SET lease_until = lease_until - $1::interval", [interval]);
      await pool.query("UPDATE lot SET valid_until = valid_until - $1::interval", [interval]);
    },
  };
});
