import type pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { LinkOutcome } from "../../src/core/account/account-links.ts";
import { LINK_CODE_LIFE_MS } from "../../src/core/account/link-accounts.ts";
import { createAccountId } from "../../src/core/ids.ts";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { PgAccountLinks } from "../../src/store/pg-account-links.ts";
import { createPgPool } from "../../src/store/pg-pool.ts";
import { PgReplyStore } from "../../src/store/pg-reply-store.ts";
import { newCode } from "../contract/account-links.contract.ts";
import { answered, type Chatter, LinkWorld } from "../contract/account-links-world.ts";
import { holdOf, lotOf, mustHold } from "../contract/ledger-under-test.ts";
import { inParallel } from "../fakes/in-parallel.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

const CLIENTS = 16;
const ROUNDS = 15;

// Hundreds of transactions take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

let database: TestDatabase;
let pool: pg.Pool;
let world: LinkWorld;
beforeAll(async () => {
  database = await emptyDatabase();
  pool = createPgPool(database.url, { max: CLIENTS, applicationName: "links" });
  world = new LinkWorld(pool);
});
afterEach(async () => {
  expect(await auditLedger(pool)).toEqual([]);
});
afterAll(() => pool.end());

async function meetWith(credit: bigint): Promise<Chatter> {
  const chatter = await world.meet();
  await world.ledger.grant(lotOf(chatter.id, credit));
  return chatter;
}

async function codeOf(chatter: Chatter): Promise<Uint8Array> {
  const code = newCode();
  await world.links.issue(chatter.id, chatter.identityId, code, LINK_CODE_LIFE_MS);
  return code;
}

const statusesOf = (outcomes: readonly LinkOutcome[]) =>
  outcomes.map(({ status }) => status).sort();

describe("Two links at once", () => {
  it("of the same two people, one code each: one merge, the other finds it done", async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ann, bob] = [await meetWith(10n), await meetWith(20n)];
      const [anns, bobs] = [await codeOf(ann), await codeOf(bob)];
      const outcomes = await Promise.all([
        world.links.link(anns, bob.identityId),
        world.links.link(bobs, ann.identityId),
      ]);
      expect(statusesOf(outcomes)).toEqual(["already_linked", "linked"]);
      const { id } = (await world.accounts.find(ann.id)) ?? { id: "" };
      expect((await world.accounts.find(bob.id))?.id).toBe(id);
      expect((await world.fundsOf(id)).available.credit).toBe(30n);
    }
  });

  it("with the same code: one of sixteen joins, the others keep what is theirs", async () => {
    const ann = await meetWith(10n);
    const code = await codeOf(ann);
    const others = await inParallel(16, CLIENTS, () => meetWith(1n));
    const outcomes = await Promise.all(
      others.map(({ identityId }) => world.links.link(code, identityId)),
    );
    expect(statusesOf(outcomes)).toEqual([...Array(15).fill("invalid"), "linked"]);
    expect((await world.fundsOf(ann.id)).available.credit).toBe(11n);
  });

  it("by the same person with the same code: one merge, told twice", async () => {
    const [ann, bob] = [await meetWith(10n), await meetWith(20n)];
    const code = await codeOf(ann);
    const outcomes = await inParallel(8, CLIENTS, () => world.links.link(code, bob.identityId));
    expect(statusesOf(outcomes)).toEqual([...Array(7).fill("already_linked"), "linked"]);
    expect((await world.fundsOf(ann.id)).available.credit).toBe(30n);
  });

  it("in a ring end in as many accounts as were not merged, with all of it", async () => {
    for (let round = 0; round < 5; round += 1) {
      const ring = await inParallel(6, CLIENTS, () => meetWith(10n));
      const codes = await Promise.all(ring.map(codeOf));
      const outcomes = await Promise.all(
        ring.map(({ identityId }, index) =>
          world.links.link(codes[(index + 1) % ring.length] ?? newCode(), identityId),
        ),
      );
      const owners = new Set<string>();
      let credit = 0n;
      for (const { id } of ring) owners.add((await world.accounts.find(id))?.id ?? "");
      for (const owner of owners) credit += (await world.fundsOf(owner)).available.credit;
      expect(credit).toBe(60n);
      // The codes of whoever was merged went with them, so the ring may fall into pieces.
      const linked = outcomes.filter(({ status }) => status === "linked");
      expect(linked.length).toBeGreaterThan(0);
      expect(owners.size).toBe(6 - linked.length);
    }
  });

  it("of linking and unlinking leave each chat with exactly one account", async () => {
    const [ann, bob] = [await meetWith(10n), await meetWith(20n)];
    await world.link(bob, ann);
    const code = await codeOf(ann);
    await Promise.all([
      world.links.unlink(bob.identityId, createAccountId()),
      world.links.unlink(ann.identityId, createAccountId()),
      world.links.link(code, bob.identityId),
    ]);
    expect((await world.fundsOf(ann.id)).available.credit).toBe(30n);
    expect((await world.accounts.listIdentities(ann.id)).length).toBeGreaterThan(0);
  });

  it("leave a ban in force that comes at the same moment", async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ann, bob] = [await meetWith(1n), await meetWith(1n)];
      const code = await codeOf(ann);
      // What comes too late for the merged account fails, and is done again.
      const ban = () => world.accounts.setBan(bob.id, "spam");
      await Promise.all([world.links.link(code, bob.identityId), ban().catch(ban)]);
      const { rows } = await pool.query(
        `SELECT a.status FROM identity i JOIN account a ON a.id = i.account_id WHERE i.id = $1`,
        [String(bob.identityId)],
      );
      expect(rows).toEqual([{ status: "banned" }]);
    }
  });
});

describe("A link while answers run", () => {
  it("loses and doubles nothing, whatever comes first", async () => {
    const { ledger, replies } = world;
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ann, bob] = [await meetWith(1_000n), await meetWith(1_000n)];
      const code = await codeOf(ann);
      const asked = await Promise.all([1, 2, 3].map(() => world.question(bob)));
      for (const question of asked) await replies.open(question);
      const { holdId } = await mustHold(ledger, holdOf(bob.id, 100n, { messageCost: null }));
      const late = await world.question(bob);
      await Promise.all([
        ...asked.map(async ({ id }, index) => {
          if (index === 0) await replies.requestStop(bob.id, { replyId: id });
          else await replies.start(id, 60_000);
          await replies.finish(answered(id, 50n));
        }),
        replies.heartbeat(
          asked.map(({ id }) => id),
          60_000,
        ),
        world.links.link(code, bob.identityId),
        replies.open(late),
        replies.release(bob.id, 5),
        ledger.captureHold(holdId, 40n),
        ledger.grant(lotOf(bob.id, 10n)),
        ledger.releaseLapsedHolds(100),
        world.accounts.identify({
          platform: "fake",
          bot: "1",
          sender: { ...bob.person.identity, displayName: `B${round}`, locale: null },
          directChannel: bob.channel,
        }),
      ]);
      await replies.start(late.id, 60_000);
      await replies.finish(answered(late.id, 50n));
      const [spent] = await world.rows<{ spent: bigint }>(
        `SELECT sum(charge)::bigint AS spent FROM reply WHERE id = ANY($1)`,
        [[...asked, late].map(({ id }) => id)],
      );
      expect(await world.fundsOf(ann.id)).toEqual({
        available: { credit: 2_010n - 40n - (spent?.spent ?? 0n), message: 0n },
        held: { credit: 0n, message: 0n },
      });
    }
  });

  it("finds the survivor when it waited for the account that was just merged", async () => {
    const { ledger } = world;
    const [ann, bob] = [await meetWith(1_000n), await meetWith(1_000n)];
    const asked = await world.question(bob);
    await world.replies.open(asked);
    const { holdId } = await mustHold(ledger, holdOf(bob.id, 100n, { messageCost: null }));
    const code = await codeOf(ann);
    const late = await world.question(bob);
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      const links = new PgAccountLinks(client as unknown as pg.Pool);
      expect((await links.link(code, bob.identityId)).status).toBe("linked");
      const waiting = Promise.all([
        ledger.captureHold(holdId, 40n),
        ledger.grant(lotOf(bob.id, 5n)),
        world.replies.start(asked.id, 60_000),
        new PgReplyStore(pool).open(late),
        world.conversations.startNew(world.owner(bob)),
      ]);
      await waitForLockWaits(5);
      await client.query("COMMIT");
      const [, , started, , begun] = await waiting;
      expect(started?.accountId).toBe(ann.id);
      expect(await world.conversations.readCurrent(world.owner(bob, ann.id))).toBe(begun);
    } finally {
      client.release();
    }
    expect(await world.fundsOf(ann.id)).toEqual({
      available: { credit: 2_005n - 40n - 420n, message: 0n },
      held: { credit: 420n, message: 0n },
    });
  });

  /** Until so many clients wait for locks another one holds. */
  async function waitForLockWaits(count: number): Promise<void> {
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
      .toBeGreaterThanOrEqual(count);
  }
});

describe("Wrong codes at once", () => {
  it("are looked at five times, however many come from one identity", async () => {
    const person = createAccountId();
    const limits = { windowMs: 600_000, personMax: 5, everybodyMax: 1_000_000 };
    const outcomes = await inParallel(60, CLIENTS, () => world.links.countTry(person, limits));
    expect(outcomes.filter(({ status }) => status === "counted")).toHaveLength(5);
  });

  it("are looked at as often as all may, from however many identities, and close once", async () => {
    await pool.query("DELETE FROM redeem_guess");
    const limits = { windowMs: 600_000, personMax: 5, everybodyMax: 20 };
    const outcomes = await inParallel(100, CLIENTS, (index) =>
      world.links.countTry(`person ${index}`, limits),
    );
    const counted = outcomes.filter((outcome) => outcome.status === "counted");
    expect(counted).toHaveLength(20);
    expect(counted.filter(({ closes }) => closes)).toHaveLength(1);
  });
});
