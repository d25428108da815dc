import { beforeAll, describe, expect, it } from "vitest";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { holdOf, lotOf, mustHold } from "../contract/ledger-under-test.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await emptyDatabase();
  const ledger = new PgLedger(database.pool);
  await database.pool.query("INSERT INTO account (id) VALUES ('A')");
  await ledger.grant(lotOf("A", 5n));
  await mustHold(ledger, holdOf("A", 4n));
});

const INSERT = "INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, reason)";

describe("The journal", () => {
  it.each([
    "UPDATE entry SET reason = 'other'",
    "UPDATE entry SET amount = 1 WHERE false",
    "DELETE FROM entry",
    "TRUNCATE entry",
    `${INSERT} VALUES ('x', 0, 'a', 'b', 'credit', 0, '')`,
    `${INSERT} VALUES ('x', 0, 'a', 'a', 'credit', 1, '')`,
  ])("rejects %s, from any role", async (statement) => {
    const { pool } = database;
    await expect(pool.query(statement)).rejects.toThrow();
    // A replication role skips ordinary triggers; this one stands.
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      await client.query("SET LOCAL session_replication_role = 'replica'");
      await expect(client.query(statement)).rejects.toThrow();
    } finally {
      await client.query("ROLLBACK");
      client.release();
    }
  });

  it.each([
    "UPDATE lot SET remaining = -1",
    "UPDATE lot SET remaining = granted + 1",
    "UPDATE hold SET captured = amount + 1",
    "UPDATE hold SET unit = 'euro'",
    "UPDATE hold SET part_amounts = part_amounts || 1::bigint",
    "UPDATE hold SET part_amounts = array_fill(0::bigint, ARRAY[cardinality(part_amounts)])",
  ])("is not contradicted by %s", async (statement) => {
    await expect(database.pool.query(statement)).rejects.toThrow("violates check constraint");
  });
});
