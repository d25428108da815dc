import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { migrate } from "../../src/store/migrate.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { holdOf, lotOf, mustHold } from "../contract/ledger-under-test.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";

const MIGRATIONS = fileURLToPath(new URL("../../prisma/migrations", import.meta.url));
const HOLD_PARTS = "20261123000015_hold_parts";

let folder: string;
let database: TestDatabase;
let ledger: PgLedger;
/** Ids of holds by what became of them before the migration. */
const holds: Record<string, string> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dianka-migrations-"));
  for (const name of await readdir(MIGRATIONS)) {
    if (name < HOLD_PARTS)
      await cp(join(MIGRATIONS, name), join(folder, name), { recursive: true });
  }
  database = await blankDatabase();
  await migrate(database.url, folder);
  const { pool } = database;
  ledger = new PgLedger(pool);
  await pool.query("INSERT INTO account (id) VALUES ('A')");
  await ledger.grant(lotOf("A", 60n, { priority: 1, cause: "first" }));
  await ledger.grant(lotOf("A", 90n, { priority: 2, cause: "second" }));
  const hold = async (name: string, amount: bigint) => {
    const { holdId } = await mustHold(ledger, holdOf("A", amount, { cause: name }));
    holds[name] = holdId;
    return holdId;
  };
  await ledger.captureHold(await hold("captured", 70n), 65n);
  await ledger.releaseHold(await hold("released", 5n));
  await hold("late", 7n);
  await pool.query("UPDATE hold SET lease_until = now() WHERE cause = 'late'");
  await ledger.releaseLapsedHolds(10);
  await ledger.captureHold(holds.late ?? "", 7n);
  await ledger.grant(lotOf("A", 10n, { priority: 1, cause: "third" }));
  await hold("open", 30n);
  await hold("empty", 0n);
  await migrate(database.url, MIGRATIONS);
});

afterAll(() => rm(folder, { recursive: true }));

async function partsOf(name: string): Promise<unknown[]> {
  const { rows } = await database.pool.query(
    `SELECT l.cause, p.amount FROM hold h CROSS JOIN LATERAL hold_parts(h, 0) p
     JOIN lot l ON l.id = p.lot_id WHERE h.id = $1 ORDER BY p.position`,
    [holds[name]],
  );
  return rows.map((row) => [row.cause, row.amount]);
}

describe("holds from before they knew their parts", () => {
  it("keep them, in their order", async () => {
    expect(await partsOf("captured")).toEqual([
      ["first", 60n],
      ["second", 10n],
    ]);
    expect(await partsOf("open")).toEqual([
      ["third", 10n],
      ["second", 20n],
    ]);
    expect(await partsOf("empty")).toEqual([]);
    expect(await auditLedger(database.pool)).toEqual([]);
  });

  it("are charged and given back as ever", async () => {
    await ledger.captureHold(holds.open ?? "", 12n);
    await ledger.captureHold(holds.empty ?? "", 0n);
    const { rows } = await database.pool.query("SELECT cause, remaining FROM lot ORDER BY cause");
    expect(rows).toEqual([
      { cause: "first", remaining: 0n },
      { cause: "second", remaining: 76n },
      { cause: "third", remaining: 0n },
    ]);
    expect(await auditLedger(database.pool)).toEqual([]);
  });
});
