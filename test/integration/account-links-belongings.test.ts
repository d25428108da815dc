import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { PgStatsStore } from "../../src/store/pg-stats-store.ts";
import { answered, type Chatter, LinkWorld } from "../contract/account-links-world.ts";
import { makeBatch, tryCode, wrongCode } from "../contract/card-store-under-test.ts";
import { holdOf, lotOf, mustHold } from "../contract/ledger-under-test.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

const DAY_MS = 24 * 60 * 60_000;

let database: TestDatabase;
let world: LinkWorld;
beforeAll(async () => {
  database = await emptyDatabase();
  world = new LinkWorld(database.pool);
});
afterEach(async () => {
  expect(await auditLedger(database.pool)).toEqual([]);
});

/** Asks and is answered, for one message. */
async function converse(chatter: Chatter): Promise<string> {
  const { replies } = world;
  const asked = await world.question(chatter);
  await replies.open(asked);
  await replies.start(asked.id, 60_000);
  await replies.finish(answered(asked.id, 1n));
  return asked.id;
}

/** Two people, each with messages, a card, a conversation and an answer. */
async function twoWhoHaveEverything() {
  const { ledger, cards } = world;
  const { codes } = await makeBatch(cards);
  const people: Chatter[] = [];
  for (const code of [codes[0], codes[1]]) {
    const chatter = await world.meetWithTrial(6n);
    await tryCode(cards, chatter.id, code);
    await ledger.grant(lotOf(chatter.id, 500n));
    await tryCode(cards, chatter.id, wrongCode(), `fake:1:${chatter.channel}`);
    await mustHold(ledger, holdOf(chatter.id, 5n, { messageCost: null }));
    await converse(chatter);
    people.push(chatter);
  }
  const [ann, bob] = people;
  if (ann === undefined || bob === undefined) throw new Error("two people were made");
  return { ann, bob };
}

/** Every column of text that holds the id, as "table.column". */
async function columnsNaming(id: string): Promise<string[]> {
  const columns = await world.rows<{ table: string; column: string }>(
    `SELECT table_name AS "table", column_name AS "column" FROM information_schema.columns
     WHERE table_schema = 'public' AND data_type IN ('text', 'jsonb', 'ARRAY')`,
  );
  const naming: string[] = [];
  for (const { table, column } of columns) {
    const found = await world.rows(
      `SELECT 1 FROM "${table}" WHERE "${column}"::text LIKE '%' || $1 || '%' LIMIT 1`,
      [id],
    );
    if (found.length > 0) naming.push(`${table}.${column}`);
  }
  return naming.sort();
}

describe("What belongs to a merged account", () => {
  it("belongs to the other from then on: only history names the merged one", async () => {
    const { ann, bob } = await twoWhoHaveEverything();
    await world.link(bob, ann);
    expect(await columnsNaming(bob.id)).toEqual([
      "account.id",
      "audit.before",
      "entry.from_account",
      "entry.to_account",
      "entry.transfer",
      "link_code.used_by",
      "lot.cause",
    ]);
    const [row] = await world.rows("SELECT status, merged_into FROM account WHERE id = $1", [
      bob.id,
    ]);
    expect(row).toEqual({ status: "merged", merged_into: ann.id });
  });

  /** Whoever adds a column that names an account has to say here what becomes of it in a merge. */
  it("is all there is: no column names an account that merging does not know", async () => {
    const columns = await world.rows<{ column: string }>(
      `SELECT table_name || '.' || column_name AS column FROM information_schema.columns
       WHERE table_schema = 'public' AND data_type = 'text' AND (column_name LIKE '%account%'
         OR column_name IN ('redeemed_by', 'referred_by', 'merged_into', 'used_by', 'owner_key'))`,
    );
    expect(columns.map(({ column }) => column).sort()).toEqual([
      "account.merged_into",
      "account.referred_by",
      "card.redeemed_by",
      "conversation.account_id",
      "current_conversation.owner_key",
      "entry.from_account",
      "entry.to_account",
      "hold.account_id",
      "identity.account_id",
      "link_code.account_id",
      "link_code.used_by",
      "lot.account_id",
      "reply.account_id",
      "turn.account_id",
      "usage_hour.account_id",
    ]);
  });

  it("goes on where it was: conversations, answers, figures", async () => {
    const { ann, bob } = await twoWhoHaveEverything();
    const { conversations, replies, accounts } = world;
    const before = await conversations.readCurrent(world.owner(bob));
    const stats = new PgStatsStore(database.pool);
    const since = new Date(Date.now() - DAY_MS);
    await world.link(bob, ann);

    expect(await conversations.readCurrent(world.owner(bob, ann.id))).toBe(before);
    const list = await conversations.list(world.owner(bob, ann.id), 20);
    expect(list).toHaveLength(2);
    expect(list.find(({ isCurrent }) => isCurrent)?.id).toBe(before);
    expect(await replies.listRecent(ann.id, 20)).toHaveLength(2);
    expect(await stats.readAccount(ann.id, since)).toMatchObject({ requests: 2, messages: 2n });
    expect(await stats.readAccount(bob.id, since)).toMatchObject({ requests: 0 });
    const chats = (await accounts.listIdentities(ann.id)).map(({ directChannel }) => directChannel);
    expect(chats).toEqual([ann.channel, bob.channel]);
  });

  it("shares a chat that both are in: the conversation used last goes on, the other is kept", async () => {
    const ann = await world.meetWithTrial(6n);
    const bob = { ...(await world.meetWithTrial(6n)), channel: ann.channel };
    await converse(bob);
    await converse(ann);
    const current = await world.conversations.readCurrent(world.owner(ann));
    await world.link(bob, ann);
    const list = await world.conversations.list(world.owner(ann), 20);
    expect(list.map(({ isCurrent }) => isCurrent)).toEqual([true, false]);
    expect(list[0]?.id).toBe(current);
  });

  it("keeps a question that still waits for more of it together", async () => {
    const { replies } = world;
    const [ann, bob] = [await world.meetWithTrial(6n), await world.meetWithTrial(5n)];
    const first = await world.question(bob, { waitMs: 60_000 });
    await replies.open(first);
    await world.link(bob, ann);
    const linked = { ...bob, id: ann.id };
    const more = await world.question(linked, { waitMs: 60_000 });
    const gathering = await replies.findGathering(more.conversationId, ann.id);
    expect(gathering?.id).toBe(first.id);
    expect(await replies.open({ ...more, mergeInto: first.id })).toMatchObject({
      status: "merged",
    });
    expect((await world.fundsOf(ann.id)).held.message).toBe(1n);
  });

  it("brings its choices only where the survivor made none, and the older date", async () => {
    const [ann, bob] = [await world.meet(), await world.meet()];
    await world.accounts.changeSettings(ann.id, { locale: "zh" });
    await world.accounts.changeSettings(bob.id, { locale: "en", model: "m", showReceipt: false });
    const old = new Date("2020-01-01T00:00:00Z");
    await world.pool.query("UPDATE account SET created_at = $2 WHERE id = $1", [bob.id, old]);
    await world.link(bob, ann);
    const survivor = await world.accounts.find(ann.id);
    expect(survivor).toMatchObject({ locale: "zh", model: "m", role: null, showReceipt: false });
    expect(survivor?.createdAt).toEqual(old);
  });

  it("keeps who referred whom, but nobody refers themselves", async () => {
    const [ann, bob, carol, dave] = [
      await world.meet(),
      await world.meet(),
      await world.meet(),
      await world.meet(),
    ];
    const refer = (who: Chatter, by: Chatter) =>
      world.pool.query("UPDATE account SET referred_by = $2 WHERE id = $1", [who.id, by.id]);
    const referrerOf = async (who: Chatter) =>
      (await world.rows("SELECT referred_by FROM account WHERE id = $1", [who.id]))[0]?.referred_by;
    await refer(ann, bob);
    await refer(bob, dave);
    await refer(carol, bob);
    await world.link(bob, ann);
    expect(await referrerOf(ann)).toBe(dave.id);
    expect(await referrerOf(carol)).toBe(ann.id);
    await world.link(dave, ann);
    expect(await referrerOf(ann)).toBeNull();
  });

  it("opens no lock on wrong card codes, neither by linking nor by unlinking", async () => {
    const { cards } = world;
    const [ann, bob] = [await world.meet(), await world.meet()];
    for (let time = 0; time < 3; time += 1) await tryCode(cards, bob.id, wrongCode());
    await world.link(bob, ann);
    expect((await tryCode(cards, ann.id, wrongCode())).status).toBe("locked");
    const fresh = await world.unlink(bob);
    expect((await tryCode(cards, fresh, wrongCode())).status).toBe("locked");
  });
});

describe("Who still has the old id", () => {
  it("is led to the account that lives, whatever is done with it", async () => {
    const { ledger, replies, accounts, conversations, cards } = world;
    const [ann, bob] = [await world.meet(), await world.meetWithTrial(6n)];
    const { codes } = await makeBatch(cards);
    const stale = await world.question(bob);
    await world.link(bob, ann);

    expect((await accounts.find(bob.id))?.id).toBe(ann.id);
    expect((await accounts.search(bob.id.toLowerCase())).map(({ id }) => id)).toEqual([ann.id]);
    expect(await accounts.listIdentities(bob.id)).toHaveLength(2);
    await accounts.changeSettings(bob.id, { role: "r" });
    expect((await accounts.find(ann.id))?.role).toBe("r");

    await ledger.grant(lotOf(bob.id, 50n));
    const request = holdOf(bob.id, 20n, { messageCost: null });
    const { holdId } = await mustHold(ledger, request);
    expect((await mustHold(ledger, request)).holdId).toBe(holdId);
    expect((await tryCode(cards, bob.id, codes[0])).status).toBe("redeemed");
    expect(await world.fundsOf(ann.id)).toEqual({
      available: { credit: 30n, message: 11n },
      held: { credit: 20n, message: 0n },
    });

    expect((await replies.open(stale)).status).toBe("opened");
    expect((await replies.find(stale.id))?.accountId).toBe(ann.id);
    expect(await replies.release(bob.id, 1)).toEqual([stale.id]);
    expect((await replies.start(stale.id, 60_000))?.accountId).toBe(ann.id);

    const owner = world.owner(bob);
    const now = world.owner(bob, ann.id);
    const fresh = await conversations.startNew(owner);
    expect(await conversations.readCurrent(now)).toBe(fresh);
    await conversations.resume(owner, stale.conversationId);
    expect(await conversations.readCurrent(now)).toBe(stale.conversationId);
    expect(await conversations.readCurrent(owner)).toBe(stale.conversationId);

    await accounts.setBan(bob.id, "spam");
    expect((await accounts.find(ann.id))?.status).toBe("banned");
  });

  it("begins a conversation for the account that lives", async () => {
    const [ann, bob] = [await world.meet(), await world.meet()];
    await world.link(bob, ann);
    const begun = await world.conversations.readCurrent(world.owner(bob));
    expect(await world.conversations.readCurrent(world.owner(bob, ann.id))).toBe(begun);
    const [row] = await world.rows("SELECT account_id FROM conversation WHERE id = $1", [begun]);
    expect(row?.account_id).toBe(ann.id);
  });
});
