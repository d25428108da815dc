import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { PgCardStore } from "../../src/store/pg-card-store.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { makeBatch, tryCode } from "../contract/card-store-under-test.ts";
import { holdOf, lotOf, mustHold } from "../contract/ledger-under-test.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

const SCRIPT = fileURLToPath(new URL("../../src/store/ledger-audit.main.ts", import.meta.url));

let database: TestDatabase;

/** Books in which everything has happened once: account A owns 100, 30 of it spent and 20 held. */
beforeEach(async () => {
  database = await emptyDatabase();
  const { pool } = database;
  const ledger = new PgLedger(pool);
  const cards = new PgCardStore(pool);
  await pool.query("INSERT INTO account (id) VALUES ('A'), ('B')");
  await ledger.grant(lotOf("A", 60n, { priority: 1, cause: "first" }));
  await ledger.grant(lotOf("A", 40n, { priority: 2 }));
  const spent = await mustHold(ledger, holdOf("A", 70n));
  await ledger.captureHold(spent.holdId, 30n);
  const released = await mustHold(ledger, holdOf("A", 10n));
  await ledger.releaseHold(released.holdId);
  const lapsed = await mustHold(ledger, holdOf("A", 5n));
  await pool.query("UPDATE hold SET lease_until = now() WHERE id = $1", [lapsed.holdId]);
  await ledger.releaseLapsedHolds(10);
  await ledger.captureHold(lapsed.holdId, 5n);
  await mustHold(ledger, holdOf("A", 20n));
  const { codes } = await makeBatch(cards, { name: "spring" });
  await tryCode(cards, "B", codes[0]);
  await ledger.grant(lotOf("B", 9n, { cause: "mistake" }));
  await ledger.undo(await ledger.findGrantEntry("mistake"), "by mistake");
  await ledger.grant(lotOf("B", 9n, { validUntil: new Date(0) }));
  await ledger.expireLots(10);
});

describe("auditLedger", () => {
  it("finds nothing wrong with what the ledger wrote itself", async () => {
    expect(await auditLedger(database.pool)).toEqual([]);
  });

  it.each<[string, string, string, bigint]>([
    [
      "a lot that lost a micro",
      "UPDATE lot SET remaining = remaining - 1 WHERE cause = 'first'",
      "user:A",
      1n,
    ],
    [
      "a lot that gained a micro",
      "UPDATE lot SET remaining = remaining + 1 WHERE cause = 'first'",
      "user:A",
      -1n,
    ],
    [
      "credit that nothing caused",
      `INSERT INTO lot (id, account_id, unit, kind, granted, remaining, valid_until, origin, cause)
       VALUES (gen_random_uuid(), 'B', 'credit', 0, 7, 7, 'infinity', 'promotions', 'none')`,
      "user:B",
      -7n,
    ],
    [
      "an entry that no lot knows of",
      `INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, reason)
       VALUES ('forged', 0, 'promotions', 'user:B', 'credit', 8, '')`,
      "user:B",
      8n,
    ],
    [
      "an entry for an account that does not exist",
      `INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, reason)
       VALUES ('forged', 0, 'promotions', 'user:C', 'credit', 8, '')`,
      "user:C",
      8n,
    ],
    [
      "a hold that is smaller than its parts",
      "UPDATE hold SET amount = amount - 1 WHERE state = 'open'",
      "held:A",
      1n,
    ],
    [
      "a hold that was closed by hand",
      "UPDATE hold SET state = 'released', resolved_at = now() WHERE state = 'open'",
      "held:A",
      20n,
    ],
    [
      "a capture that earned less than it says",
      "UPDATE hold SET captured = captured + 1, due = due + 1 WHERE due = 30",
      "held:A",
      1n,
    ],
    [
      "a part that says another amount",
      "UPDATE hold SET part_amounts = ARRAY[part_amounts[1] - 1, part_amounts[2] + 1] WHERE due = 30",
      "held:A",
      2n,
    ],
    [
      "a card that became no lot",
      `UPDATE card SET state = 'redeemed', redeemed_by = 'A', redeemed_at = now(),
         lot_id = gen_random_uuid() WHERE serial = 2`,
      "cards:spring",
      5n,
    ],
    [
      "a lot of an account that its card's owner is not",
      "UPDATE card SET redeemed_by = 'A' WHERE serial = 1",
      "cards:spring",
      5n,
    ],
  ])("finds %s", async (_what, damage, account, difference) => {
    await database.pool.query(damage);
    const faults = await auditLedger(database.pool);
    expect(faults).toContainEqual({ rule: expect.any(String), account, difference });
  });

  it("sees credit that two lots of an account swapped", async () => {
    await database.pool.query(
      `UPDATE lot SET remaining = remaining + CASE WHEN cause = 'first' THEN 1 ELSE -1 END
       WHERE account_id = 'A'`,
    );
    const faults = await auditLedger(database.pool);
    expect(faults.map(({ difference }) => difference)).toEqual(expect.arrayContaining([1n, -1n]));
  });

  it("reads one moment, whatever happens meanwhile", async () => {
    const ledger = new PgLedger(database.pool);
    let isDone = false;
    const busy = (async () => {
      while (!isDone) {
        const { holdId } = await mustHold(ledger, holdOf("A", 1n));
        await ledger.releaseHold(holdId);
      }
    })();
    for (let time = 0; time < 10; time += 1) {
      expect(await auditLedger(database.pool)).toEqual([]);
    }
    isDone = true;
    await busy;
  });
});

describe("npm run ledger:audit", () => {
  const audit = (url: string) =>
    new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
      const child = execFile(
        process.execPath,
        [SCRIPT],
        { env: { ...process.env, DATABASE_URL: url } },
        (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
      );
    });

  it("says how much it looked at and ends with 0 when the books add up", async () => {
    const { code, stdout } = await audit(database.url);
    expect(stdout).toMatch(/^ledger audit: 0 faults in \d+ entries, 5 lots and 4 holds\n$/);
    expect(code).toBe(0);
  });

  it("names each fault with its account and its difference and ends with 1", async () => {
    await database.pool.query("UPDATE lot SET remaining = remaining - 3 WHERE cause = 'first'");
    const { code, stdout } = await audit(database.url);
    expect(stdout).toContain("fault: user:A differs by 3: a lot holds what the journal says\n");
    expect(stdout).toMatch(/ledger audit: [1-9]\d* faults in /);
    expect(code).toBe(1);
  });

  it("says so when it could not look, and does not end with 0", async () => {
    await database.pool.query("DROP TABLE hold CASCADE");
    const { code, stdout, stderr } = await audit(database.url);
    expect(stderr).toContain("ledger audit: could not be done");
    expect([stdout, code]).toEqual(["", 2]);
  });
});
