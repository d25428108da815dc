import { beforeEach, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { type Chatter, LinkWorld } from "../contract/account-links-world.ts";
import { holdOf, lotOf, mustHold } from "../contract/ledger-under-test.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

let database: TestDatabase;
let ann: Chatter;
let bob: Chatter;
let carol: Chatter;

/** Bob joined Ann with 60, of which 20 are held; Carol has 10 of her own. */
beforeEach(async () => {
  database = await emptyDatabase();
  const world = new LinkWorld(database.pool);
  [ann, bob, carol] = [await world.meet(), await world.meet(), await world.meet()];
  await world.ledger.grant(lotOf(carol.id, 10n));
  await world.ledger.grant(lotOf(bob.id, 60n));
  await mustHold(world.ledger, holdOf(bob.id, 20n));
  await world.link(bob, ann);
});

describe("auditLedger after a merge", () => {
  it("finds nothing wrong", async () => {
    expect(await auditLedger(database.pool)).toEqual([]);
  });

  it.each<[string, () => [string, unknown[]], () => string]>([
    [
      "a lot that went to somebody else without a line",
      () => ["UPDATE lot SET account_id = $2 WHERE account_id = $1", [ann.id, carol.id]],
      () => `user:${carol.id}`,
    ],
    [
      "a lot that stayed behind",
      () => ["UPDATE lot SET account_id = $2 WHERE account_id = $1", [ann.id, bob.id]],
      () => `user:${bob.id}`,
    ],
    [
      "a hold that stayed behind",
      () => ["UPDATE hold SET account_id = $2 WHERE account_id = $1", [ann.id, bob.id]],
      () => `held:${bob.id}`,
    ],
    [
      "a line that took the old account's credit afterwards",
      () => [
        `INSERT INTO entry (transfer, line, from_account, to_account, unit, amount, lot_id, reason)
         SELECT 'forged', 0, 'user:' || $2, 'revenue', 'credit', 1, id, '' FROM lot
         WHERE account_id = $1`,
        [ann.id, bob.id],
      ],
      () => `user:${bob.id}`,
    ],
    [
      "an account that was merged into a merged one",
      () => [
        "UPDATE account SET status = 'merged', merged_into = $2 WHERE id = $1",
        [carol.id, bob.id],
      ],
      () => `user:${bob.id}`,
    ],
  ])("finds %s", async (_what, damage, account) => {
    const [text, values] = damage();
    await database.pool.query(text, values);
    const faults = await auditLedger(database.pool);
    expect(faults.map((fault) => fault.account)).toContain(account());
  });
});
