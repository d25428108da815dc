import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import {
  answered,
  type Chatter,
  holdMessages,
  LinkWorld,
} from "../contract/account-links-world.ts";
import { makeBatch, tryCode } from "../contract/card-store-under-test.ts";
import { holdOf, inDays, lotOf, mustHold } from "../contract/ledger-under-test.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

let database: TestDatabase;
let world: LinkWorld;
beforeAll(async () => {
  database = await emptyDatabase();
  world = new LinkWorld(database.pool);
});
afterEach(async () => {
  expect(await auditLedger(database.pool)).toEqual([]);
});

const none = { credit: 0n, message: 0n };

/** What a merge wrote, without ids. */
async function linesOf(merged: string): Promise<string[]> {
  const rows = await world.rows<{ line: string }>(
    `SELECT from_account || ' ' || to_account || ' ' || unit || ' ' || amount AS line FROM entry
     WHERE transfer LIKE 'link:' || $1 || ':%' ORDER BY id`,
    [merged],
  );
  return rows.map(({ line }) => line);
}

describe("Linking two accounts", () => {
  it("moves every lot with a line of its own, in the order of use they had", async () => {
    const { ledger } = world;
    const [ann, bob] = [await world.meet(), await world.meet()];
    await ledger.grant(lotOf(ann.id, 100n, { validUntil: inDays(3) }));
    await ledger.grant(lotOf(bob.id, 20n, { validUntil: inDays(1) }));
    await ledger.grant(lotOf(bob.id, 7n, { unit: "message", kind: "card" }));
    await ledger.grant(lotOf(bob.id, 5n, { kind: "paid", modelScope: ["a"] }));
    await world.link(bob, ann);
    expect(await world.fundsOf(ann.id)).toEqual({
      available: { credit: 125n, message: 7n },
      held: none,
    });
    const { lots } = await ledger.balance(ann.id);
    expect(lots.map(({ remaining }) => remaining)).toEqual([20n, 100n, 7n, 5n]);
    const line = (what: string) => `user:${bob.id} user:${ann.id} ${what}`;
    expect((await linesOf(bob.id)).sort()).toEqual(
      ["credit 20", "message 7", "credit 5"].map(line).sort(),
    );
  });

  it("lets a running answer be paid from the lots that moved", async () => {
    const { ledger, replies } = world;
    const [ann, bob] = [await world.meet(), await world.meet()];
    await ledger.grant(lotOf(bob.id, 1_000n));
    const asked = await world.question(bob);
    await replies.open(asked);
    await replies.release(bob.id, 1);
    await replies.start(asked.id, 60_000);
    await world.link(bob, ann);
    expect(await world.fundsOf(ann.id)).toEqual({
      available: { credit: 790n, message: 0n },
      held: { credit: 210n, message: 0n },
    });
    await replies.heartbeat([asked.id], 60_000);
    expect(await replies.finish(answered(asked.id, 60n))).toBe(60n);
    expect(await replies.finish(answered(asked.id, 60n))).toBeNull();
    expect(await world.fundsOf(ann.id)).toEqual({
      available: { credit: 940n, message: 0n },
      held: none,
    });
    expect((await replies.find(asked.id))?.accountId).toBe(ann.id);
    expect(await linesOf(bob.id)).toContain(`held:${bob.id} held:${ann.id} credit 210`);
  });

  it.each(["capture", "release", "lapse", "capture late"])(
    "leaves a hold to its end: %s",
    async (end) => {
      const { ledger, pool } = world;
      const [ann, bob] = [await world.meet(), await world.meet()];
      await ledger.grant(lotOf(bob.id, 30n, { priority: 1 }));
      await ledger.grant(lotOf(bob.id, 30n, { priority: 2 }));
      const { holdId } = await mustHold(ledger, holdOf(bob.id, 40n));
      await world.link(bob, ann);
      if (end === "lapse" || end === "capture late") {
        await pool.query("UPDATE hold SET lease_until = now() WHERE id = $1", [holdId]);
        expect(await ledger.releaseLapsedHolds(10)).toBe(1);
      }
      if (end === "release") await ledger.releaseHold(holdId);
      if (end.startsWith("capture")) await ledger.captureHold(holdId, 35n);
      const credit = end.startsWith("capture") ? 25n : 60n;
      expect(await world.fundsOf(ann.id)).toEqual({
        available: { credit, message: 0n },
        held: none,
      });
    },
  );

  it("books what had ended before as ended, not as moved", async () => {
    const [ann, bob] = [await world.meet(), await world.meet()];
    await world.ledger.grant(lotOf(bob.id, 9n, { validUntil: new Date(Date.now() - 1_000) }));
    await world.link(bob, ann);
    expect(await linesOf(bob.id)).toEqual([]);
    expect((await world.fundsOf(ann.id)).available).toEqual(none);
  });

  it("can be undone for a grant that moved, from where it is now", async () => {
    const { ledger } = world;
    const [ann, bob] = [await world.meet(), await world.meet()];
    await ledger.grant(lotOf(bob.id, 9n, { cause: `gift:${bob.id}` }));
    await world.link(bob, ann);
    const entry = await ledger.findGrantEntry(`gift:${bob.id}`);
    expect(await ledger.undo(entry, "by mistake")).toMatchObject({ accountId: ann.id, amount: 9n });
    const [moved] = await world.rows<{ id: bigint }>(
      "SELECT id FROM entry WHERE transfer LIKE 'link:' || $1 || ':%'",
      [bob.id],
    );
    await expect(ledger.undo(moved?.id ?? 0n, "no grant")).rejects.toMatchObject({
      code: "cannot_undo",
    });
  });

  it("counts the cards of both towards what one person may use, and knows them as its own", async () => {
    const { cards } = world;
    const [ann, bob] = [await world.meet(), await world.meet()];
    const { codes } = await makeBatch(cards, { count: 4, perAccountMax: 2 });
    await tryCode(cards, ann.id, codes[0]);
    await tryCode(cards, bob.id, codes[1]);
    await world.link(bob, ann);
    expect((await tryCode(cards, ann.id, codes[1])).status).toBe("already_yours");
    expect((await tryCode(cards, ann.id, codes[2])).status).toBe("limit_per_account");
  });

  it("goes on through a second and a third merge", async () => {
    const { ledger } = world;
    const people: Chatter[] = [];
    for (let count = 0; count < 4; count += 1) {
      const chatter = await world.meet();
      await ledger.grant(lotOf(chatter.id, 10n));
      people.push(chatter);
    }
    const [a, b, c, d] = people as [Chatter, Chatter, Chatter, Chatter];
    const { holdId } = await mustHold(ledger, holdOf(a.id, 10n));
    await world.link(a, b);
    await world.link(c, d);
    await world.link(a, c);
    expect(await world.fundsOf(d.id)).toEqual({
      available: { credit: 30n, message: 0n },
      held: { credit: 10n, message: 0n },
    });
    await ledger.captureHold(holdId, 4n);
    await ledger.grant(lotOf(a.id, 1n));
    expect((await world.fundsOf(d.id)).available.credit).toBe(37n);
    for (const { id } of [a, b, c]) expect((await world.accounts.find(id))?.id).toBe(d.id);
  });
});

describe("Two trials", () => {
  it.each([
    [10n, 3n, 10n],
    [3n, 10n, 10n],
    [4n, 4n, 4n],
    [0n, 6n, 6n],
    [6n, 0n, 6n],
    [0n, 0n, 0n],
  ])("of which %i and %i are left are %i", async (left, right, both) => {
    const [ann, bob] = [await world.meetWithTrial(left), await world.meetWithTrial(right)];
    await world.link(bob, ann);
    expect((await world.fundsOf(ann.id)).available.message).toBe(both);
    const back = (await linesOf(bob.id)).filter((line) => line.includes(" promotions "));
    const lost = left + right - both;
    expect(back.map((line) => line.split(" ")[3])).toEqual(lost === 0n ? [] : [String(lost)]);
  });

  it.each(["capture", "release"] as const)(
    "never make more than one, also when the smaller is held: %s",
    async (end) => {
      const { ledger } = world;
      const [ann, bob] = [await world.meetWithTrial(8n), await world.meetWithTrial(5n)];
      const { holdId } = await mustHold(ledger, holdMessages(bob.id, 2n));
      await world.link(bob, ann);
      expect(await world.fundsOf(ann.id)).toMatchObject({
        available: { message: 8n },
        held: { message: 2n },
      });
      if (end === "capture") await ledger.captureHold(holdId, 2n);
      else await ledger.releaseHold(holdId);
      expect(await world.fundsOf(ann.id)).toEqual({
        available: { credit: 0n, message: 8n },
        held: none,
      });
    },
  );

  it("keep, between equals, the one that is held in part: its rest may return", async () => {
    const { ledger } = world;
    const [ann, bob] = [await world.meetWithTrial(5n), await world.meetWithTrial(6n)];
    const { holdId } = await mustHold(ledger, holdMessages(bob.id, 1n));
    await world.link(bob, ann);
    expect((await world.fundsOf(ann.id)).available.message).toBe(5n);
    await ledger.releaseHold(holdId);
    expect((await world.fundsOf(ann.id)).available.message).toBe(6n);
  });

  it("leave other messages alone", async () => {
    const { ledger } = world;
    const [ann, bob] = [await world.meetWithTrial(4n), await world.meetWithTrial(9n)];
    await ledger.grant(lotOf(ann.id, 100n, { unit: "message", kind: "card" }));
    await world.link(bob, ann);
    expect((await world.fundsOf(ann.id)).available.message).toBe(109n);
  });

  it("do not come of linking, unlinking and linking again", async () => {
    const [ann, bob] = [await world.meetWithTrial(4n), await world.meetWithTrial(9n)];
    await world.link(bob, ann);
    for (let time = 0; time < 3; time += 1) {
      const fresh = await world.unlink(bob);
      const seen = { platform: "fake", bot: "1", directChannel: bob.channel };
      const sender = { ...bob.person.identity, locale: null };
      const person = await world.accounts.identify({ ...seen, sender });
      expect(person).toMatchObject({ account: { id: fresh }, isTrialDue: false, isNew: false });
      expect((await world.fundsOf(fresh)).available).toEqual(none);
      await world.link(bob, ann);
      expect((await world.fundsOf(ann.id)).available.message).toBe(9n);
    }
  });

  it("do not come of a trial that was on its way while its account was merged", async () => {
    const { ledger } = world;
    const [ann, bob] = [await world.meetWithTrial(4n), await world.meet()];
    await world.link(bob, ann);
    const trial = { unit: "message", kind: "trial", cause: `trial:${bob.id}` } as const;
    expect(await ledger.grant(lotOf(bob.id, 10n, trial))).toBe(false);
    await world.accounts.markTrialGranted(bob.id);
    expect((await world.fundsOf(ann.id)).available.message).toBe(4n);
  });

  it("give the survivor the one the other had, and no second one", async () => {
    const [ann, bob] = [await world.meet(), await world.meetWithTrial(7n)];
    await world.link(bob, ann);
    expect((await world.fundsOf(ann.id)).available.message).toBe(7n);
    const [row] = await world.rows<{ due: boolean }>(
      "SELECT trial_granted_at IS NULL AS due FROM account WHERE id = $1",
      [ann.id],
    );
    expect(row?.due).toBe(false);
  });
});

describe("Unlinking", () => {
  it("leaves the credit, what is held and what is running with the account", async () => {
    const { ledger, replies } = world;
    const [ann, bob] = [await world.meet(), await world.meet()];
    await ledger.grant(lotOf(bob.id, 500n));
    await world.link(bob, ann);
    const asked = await world.question({ ...bob, id: ann.id });
    await replies.open(asked);
    const fresh = await world.unlink(bob);
    expect(await world.fundsOf(fresh)).toEqual({ available: none, held: none });
    await replies.start(asked.id, 60_000);
    await replies.finish(answered(asked.id, 100n));
    expect((await world.fundsOf(ann.id)).available.credit).toBe(400n);
  });
});

describe("Whoever still holds the id of an account that was merged", () => {
  it("sees the wallet, the entries and the holds of the one that lives", async () => {
    const { ledger } = world;
    const [ann, bob] = [await world.meet(), await world.meet()];
    await ledger.grant(lotOf(ann.id, 100n));
    await ledger.grant(lotOf(bob.id, 20n));
    await mustHold(ledger, holdOf(bob.id, 5n));
    await world.link(bob, ann);
    const whole = { available: { credit: 115n, message: 0n }, held: { credit: 5n, message: 0n } };
    expect(await world.fundsOf(ann.id)).toEqual(whole);
    expect(await world.fundsOf(bob.id)).toEqual(whole);
    expect(await ledger.balance(bob.id)).toEqual(await ledger.balance(ann.id));
    expect(await ledger.listEntries(bob.id, 50)).toEqual(await ledger.listEntries(ann.id, 50));
  });

  it("finds the question that waits for more, stops it, and finds how it ended", async () => {
    const { replies } = world;
    const [ann, bob] = [await world.meetWithTrial(5n), await world.meetWithTrial(5n)];
    const question = await world.question(bob, { waitMs: 60_000 });
    await replies.open(question);
    await world.link(bob, ann);
    const { conversationId } = question;
    const found = await replies.findGathering(conversationId, bob.id);
    expect(found).toMatchObject({ id: question.id, text: question.text });
    expect(await replies.findGathering(conversationId, ann.id)).toEqual(found);
    const stopped = await replies.requestStop(bob.id, { replyId: question.id });
    expect(stopped).toEqual({ ended: [question.id], running: [] });
    const ids = (await replies.listRecent(bob.id, 5)).map(({ id }) => id);
    expect(ids).toContain(question.id);
    expect((await replies.findLastEnded(conversationId, bob.id))?.id).toBe(question.id);
  });
});
