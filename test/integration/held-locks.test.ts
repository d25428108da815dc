import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { PgCardStore } from "../../src/store/pg-card-store.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { createPgPool, orBusy } from "../../src/store/pg-pool.ts";
import { PgReplyStore } from "../../src/store/pg-reply-store.ts";
import { LinkWorld } from "../contract/account-links-world.ts";
import { makeBatch, tryCode } from "../contract/card-store-under-test.ts";
import { holdOf, lotOf } from "../contract/ledger-under-test.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

/** From the first word to ours; this machine may be busy, the limits themselves are lower. */
const TOLD_MS_MAX = 3_000;
const CONNECTIONS = 2;
const BUSY = { name: "OutsideError", party: "database", kind: "overloaded" };

let database: TestDatabase;
let world: LinkWorld;
let hurried: pg.Pool;
beforeAll(async () => {
  database = await emptyDatabase();
  world = new LinkWorld(database.pool);
  const options = { max: CONNECTIONS, applicationName: "hurried", patience: "hurried" } as const;
  hurried = createPgPool(database.url, options);
});
afterAll(async () => {
  await hurried.end();
});

/** Holds a lock by hand while something is tried. */
async function whileLocked<Result>(lock: string, work: () => Promise<Result>): Promise<Result> {
  const client = await database.pool.connect();
  try {
    await client.query("BEGIN");
    await client.query(lock);
    return await work();
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
}

async function expectBusy(work: Promise<unknown>, code?: string): Promise<void> {
  const startedAtMs = performance.now();
  await expect(work).rejects.toMatchObject(
    code === undefined ? BUSY : { ...BUSY, cause: { code } },
  );
  expect(performance.now() - startedAtMs).toBeLessThan(TOLD_MS_MAX);
}

describe("What moves credit while a person waits, behind a lock that somebody holds", () => {
  it("gives up within three seconds and has done nothing, whatever it was", async () => {
    const ann = await world.meet();
    await world.ledger.grant(lotOf(ann.id, 100n));
    const { codes } = await makeBatch(world.cards, { count: 1 });
    const question = await world.question(ann);
    const before = await world.fundsOf(ann.id);
    const ledger = new PgLedger(hurried);
    await whileLocked(`SELECT 1 FROM account WHERE id = '${ann.id}' FOR UPDATE`, async () => {
      await expectBusy(ledger.placeHold(holdOf(ann.id, 5n)));
      await expectBusy(ledger.grant(lotOf(ann.id, 7n)));
      await expectBusy(new PgReplyStore(hurried).open(question));
      await expectBusy(tryCode(new PgCardStore(hurried), ann.id, codes[0]));
    });
    expect(await world.fundsOf(ann.id)).toEqual(before);
    expect(await auditLedger(database.pool)).toEqual([]);
    // The same connections go on, and what was refused can simply be done again.
    expect(await tryCode(new PgCardStore(hurried), ann.id, codes[0])).toMatchObject({
      status: "redeemed",
    });
    expect(await new PgReplyStore(hurried).open(question)).toMatchObject({ status: "opened" });
  });

  it("tells those who find all connections taken no later than those who wait for the lock", async () => {
    const chatters = await Promise.all(Array.from({ length: 10 }, () => world.meet()));
    const ledger = new PgLedger(hurried);
    await whileLocked("LOCK TABLE account IN ACCESS EXCLUSIVE MODE", () =>
      Promise.all(chatters.map(({ id }) => expectBusy(ledger.placeHold(holdOf(id, 1n))))),
    );
    for (const { id } of chatters) {
      expect((await world.ledger.balance(id)).held).toEqual({ credit: 0n, message: 0n });
    }
  });

  it("counts all its locks together: each wait alone would be short enough", async () => {
    const ann = await world.meet();
    await world.ledger.grant(lotOf(ann.id, 100n));
    const account = `SELECT 1 FROM account WHERE id = '${ann.id}' FOR UPDATE`;
    const lot = `SELECT 1 FROM lot WHERE account_id = '${ann.id}' FOR UPDATE`;
    await whileLocked(lot, async () => {
      let isPlaced: Promise<unknown> = Promise.resolve();
      await whileLocked(account, async () => {
        isPlaced = expectBusy(new PgLedger(hurried).placeHold(holdOf(ann.id, 5n)), "57014");
        await database.pool.query("SELECT pg_sleep(1.2)");
      });
      await isPlaced;
    });
  });

  it("leaves a person alone whom no lock concerns", async () => {
    const [ann, bob] = [await world.meet(), await world.meet()];
    await world.ledger.grant(lotOf(bob.id, 10n));
    await whileLocked(`SELECT 1 FROM account WHERE id = '${ann.id}' FOR UPDATE`, async () => {
      const outcome = await new PgLedger(hurried).placeHold(holdOf(bob.id, 5n));
      expect(outcome).toMatchObject({ status: "held" });
    });
  });
});

describe("What nobody waits for", () => {
  it("waits for the lock and then does its work", async () => {
    const ann = await world.meet();
    const granting = await whileLocked(
      `SELECT 1 FROM account WHERE id = '${ann.id}' FOR UPDATE`,
      async () => {
        const work = world.ledger.grant(lotOf(ann.id, 7n));
        // As long as the hurried ones would at most.
        await expectBusy(new PgLedger(hurried).grant(lotOf(ann.id, 9n)));
        return { work };
      },
    );
    expect(await granting.work).toBe(true);
    expect((await world.fundsOf(ann.id)).available).toEqual({ credit: 7n, message: 0n });
  });
});

describe("orBusy", () => {
  it("passes on what is no matter of waiting", async () => {
    const broken = hurried.query("SELECT 1 FROM no_such_table");
    await expect(orBusy(broken)).rejects.toMatchObject({ code: "42P01" });
    await expect(orBusy(Promise.reject(new Error("a bug")))).rejects.toThrow("a bug");
    expect(await orBusy(Promise.resolve(7))).toBe(7);
  });

  it("takes a statement without end for one that waits too long", async () => {
    await expectBusy(orBusy(hurried.query("SELECT pg_sleep(30)")));
  });
});
