import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createId } from "../../src/core/ids.ts";
import type { NewReply, ReplyEnd } from "../../src/core/reply-store.ts";
import { PgAccountStore } from "../../src/store/pg-account-store.ts";
import { PgConversationStore } from "../../src/store/pg-conversation-store.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { PgReplyOutbox } from "../../src/store/pg-reply-outbox.ts";
import { PgReplyStore } from "../../src/store/pg-reply-store.ts";
import { PgStatsStore } from "../../src/store/pg-stats-store.ts";
import { systemClock } from "../../src/system-clock.ts";
import { newReplyOf } from "../fakes/new-reply.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

const LEASE_MS = 900_000;
let database: TestDatabase;
let replies: PgReplyStore;
let outbox: PgReplyOutbox;
let ledger: PgLedger;
let conversations: PgConversationStore;
let accounts: PgAccountStore;

beforeAll(async () => {
  database = await emptyDatabase();
  replies = new PgReplyStore(database.pool);
  outbox = new PgReplyOutbox(database.pool);
  ledger = new PgLedger(database.pool);
  accounts = new PgAccountStore(database.pool);
  conversations = new PgConversationStore(database.pool, systemClock);
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

let people = 0;
async function personWith(messages: bigint, credit = 0n) {
  people += 1;
  const person = await accounts.identify({
    platform: "fake",
    bot: "1",
    sender: { platformUserId: `u${people}`, displayName: "A", username: null, locale: null },
    directChannel: `c${people}`,
  });
  const { id } = person.account;
  const lot = {
    accountId: id,
    kind: "gift",
    priority: 50,
    validUntil: null,
    modelScope: null,
  } as const;
  const from = { origin: "promotions", reason: "test" } as const;
  if (messages > 0n) {
    await ledger.grant({ ...lot, ...from, cause: `m:${id}`, unit: "message", amount: messages });
  }
  if (credit > 0n) {
    await ledger.grant({ ...lot, ...from, cause: `c:${id}`, unit: "credit", amount: credit });
  }
  const conversationId = await conversations.readCurrent({ key: `k:${id}`, accountId: id });
  return { person, id, conversationId, channel: `c${people}` };
}

type Asker = Awaited<ReturnType<typeof personWith>>;

let messageCount = 0;
function question(asker: Asker, changes: Partial<NewReply> = {}): NewReply {
  messageCount += 1;
  const { id, person, conversationId, channel } = asker;
  const asking = { accountId: id, identityId: person.identity.id, conversationId, channel };
  return newReplyOf(asking, { messageId: `m${messageCount}`, leaseMs: LEASE_MS, ...changes });
}

function answered(id: string, charge: bigint): ReplyEnd {
  return {
    id,
    state: "answered",
    text: "Fine, \0thanks \ud800",
    charge,
    upstreamCost: 7n,
    modelAnswered: "m-1",
    upstream: "u",
    inputTokens: 10,
    cachedTokens: 0,
    outputTokens: 5,
    usageSource: "upstream",
    usageClamped: false,
    freeReason: null,
    failure: null,
    firstWordAt: new Date(),
    firstWordMs: 100,
    answerMs: 200,
  };
}

describe("PgReplyStore", () => {
  it("opens a reply together with its hold and takes the same message once", async () => {
    const asker = await personWith(3n);
    const first = question(asker);
    expect(await replies.open(first)).toMatchObject({ status: "opened", replyId: first.id });
    const again = { ...first, id: createId(new Date()) };
    expect(await replies.open(again)).toMatchObject({ status: "duplicate", replyId: first.id });
    const balance = await ledger.balance(asker.id);
    expect(balance.available.message).toBe(2n);
    expect(balance.held.message).toBe(1n);
  });

  it("tells how long a question waited by the database's own clock", async () => {
    const asker = await personWith(3n);
    // The clock of who took it was two hours behind.
    const receivedAt = new Date(Date.now() - 2 * 60 * 60_000);
    const late = question(asker, { receivedAt });
    await replies.open(late);
    expect((await replies.start(late.id, LEASE_MS))?.waitedMs).toBeLessThan(60_000);
    await database.pool.query(
      "UPDATE reply SET created_at = now() - interval '2 hours' WHERE id = $1",
      [late.id],
    );
    expect((await replies.start(late.id, LEASE_MS))?.waitedMs).toBeGreaterThan(7_000_000);
  });

  it("takes one of twenty deliveries of the same message at once", async () => {
    const asker = await personWith(30n);
    const first = question(asker);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => replies.open({ ...first, id: createId(new Date()) })),
    );
    expect(outcomes.filter(({ status }) => status === "opened")).toHaveLength(1);
    expect((await ledger.balance(asker.id)).held.message).toBe(1n);
  });

  it("saves nothing when the credit does not cover the least answer", async () => {
    const asker = await personWith(0n, 29n);
    const outcome = await replies.open(question(asker));
    expect(outcome).toEqual({
      status: "insufficient",
      creditAvailable: 29n,
      messagesAvailable: 0n,
    });
    expect(await replies.listRecent(asker.id, 5)).toEqual([]);
    expect(await conversations.readTurns(asker.conversationId, 5)).toEqual([]);
  });

  it("shortens the answer to what the credit covers", async () => {
    const asker = await personWith(0n, 50n);
    const first = question(asker);
    await replies.open(first);
    const reply = await replies.find(first.id);
    // 50 micros less 10 for the input buy 20 tokens at 2 each.
    expect(reply?.outputTokensMax).toBe(20);
    expect(reply?.heldAmount).toBe(50n);
  });

  it("adds a burst to the waiting question and holds for the whole", async () => {
    const asker = await personWith(5n);
    const first = question(asker, { waitMs: 60_000, text: "one" });
    await replies.open(first);
    const gathering = await replies.findGathering(asker.conversationId, asker.id);
    expect(gathering).toMatchObject({ id: first.id, text: "one" });
    const second = question(asker, { mergeInto: first.id, waitMs: 0, text: "two" });
    expect(await replies.open(second)).toMatchObject({ status: "merged", replyId: first.id });
    expect((await ledger.balance(asker.id)).held.message).toBe(1n);
    const turns = await conversations.readTurns(asker.conversationId, 5);
    expect(turns.map(({ text }) => text)).toEqual(["one\ntwo"]);
    expect(await replies.release(asker.id, 1)).toEqual([first.id]);
    const third = question(asker, { mergeInto: first.id });
    expect(await replies.open(third)).toEqual({ status: "too_late" });
  });

  it("releases what waits for nothing as it opens it, in order and only so many", async () => {
    const asker = await personWith(5n);
    const [first, second] = [
      question(asker, { runningMax: 1 }),
      question(asker, { runningMax: 1 }),
    ];
    const opened = { status: "opened", replyId: first.id, released: [first.id] };
    expect(await replies.open(first)).toEqual(opened);
    expect(await replies.open(second)).toMatchObject({ status: "opened", released: [] });
    const again = { ...first, id: createId(new Date()) };
    expect(await replies.open(again)).toEqual({ ...opened, status: "duplicate", released: [] });
    await replies.start(first.id, LEASE_MS);
    await replies.finish(answered(first.id, 1n));
    // The crash that had it sent again may have come before its release.
    expect(await replies.open(second)).toMatchObject({
      status: "duplicate",
      released: [second.id],
    });
  });

  it("releases nothing with a question that may get longer", async () => {
    const asker = await personWith(5n);
    const asked = question(asker, { runningMax: 1, waitMs: 60_000 });
    expect(await replies.open(asked)).toMatchObject({ status: "opened", released: [] });
    expect(await replies.release(asker.id, 1)).toEqual([]);
  });

  it("releases only so many at once, in order", async () => {
    const asker = await personWith(5n);
    const asked = [question(asker), question(asker), question(asker)];
    for (const reply of asked) await replies.open(reply);
    expect(await replies.release(asker.id, 1)).toEqual([asked[0]?.id]);
    expect(await replies.release(asker.id, 1)).toEqual([]);
    await replies.start(asked[0]?.id ?? "", LEASE_MS);
    await replies.finish(answered(asked[0]?.id ?? "", 1n));
    expect(await replies.release(asker.id, 1)).toEqual([asked[1]?.id]);
    expect(await outbox.listReleasable(2, 10)).toContain(asker.id);
  });

  it("refuses more open questions than allowed", async () => {
    const asker = await personWith(5n);
    await replies.open(question(asker, { openRepliesMax: 1 }));
    const outcome = await replies.open(question(asker, { openRepliesMax: 1 }));
    expect(outcome).toEqual({ status: "queue_full" });
  });

  it("charges once however often it ends, and counts the hour with it", async () => {
    const asker = await personWith(0n, 1_000n);
    const first = question(asker);
    await replies.open(first);
    await replies.start(first.id, LEASE_MS);
    const ends = await Promise.all([1, 2, 3].map(() => replies.finish(answered(first.id, 20n))));
    expect(ends.filter((charged) => charged !== null)).toEqual([20n]);
    const balance = await ledger.balance(asker.id);
    expect(balance.available.credit).toBe(980n);
    expect(balance.held.credit).toBe(0n);
    const turns = await conversations.readTurns(asker.conversationId, 5);
    expect(turns.map(({ author, text }) => [author, text])).toEqual([
      ["user", "How are you?"],
      ["assistant", "Fine, thanks \ufffd"],
    ]);
    const { rows } = await database.pool.query("SELECT * FROM usage_hour WHERE account_id = $1", [
      asker.id,
    ]);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ requests: 1, answers: 1, credit: 20n, upstream_cost: 7n });
  });

  it("places a lapsed hold again before the worker begins, or refuses", async () => {
    const asker = await personWith(1n);
    const first = question(asker, { leaseMs: 1 });
    await replies.open(first);
    await expect.poll(() => ledger.releaseLapsedHolds(10)).toBe(1);
    expect((await ledger.balance(asker.id)).available.message).toBe(1n);
    expect((await replies.start(first.id, LEASE_MS))?.state).toBe("writing");
    expect((await ledger.balance(asker.id)).available.message).toBe(0n);

    const poor = await personWith(1n);
    const lapsed = question(poor, { leaseMs: 1 });
    await replies.open(lapsed);
    await expect.poll(() => ledger.releaseLapsedHolds(10)).toBe(1);
    await replies.open(question(poor));
    await expect(replies.start(lapsed.id, LEASE_MS)).rejects.toMatchObject({
      code: "insufficient_credit",
    });
  });

  it("lets a worker begin without waiting for the disk, unless credit moves", async () => {
    const commitOf = async (replyId: string): Promise<unknown> => {
      const client = await database.pool.connect();
      try {
        await client.query("BEGIN; SET LOCAL synchronous_commit = on");
        await client.query("SELECT * FROM start_reply($1, $2)", [replyId, LEASE_MS]);
        const { rows } = await client.query("SHOW synchronous_commit");
        await client.query("COMMIT");
        return rows[0]?.synchronous_commit;
      } finally {
        client.release();
      }
    };
    const asker = await personWith(2n);
    const first = question(asker);
    await replies.open(first);
    expect(await commitOf(first.id)).toBe("off");
    const lapsed = question(asker, { leaseMs: 1 });
    await replies.open(lapsed);
    await expect.poll(() => ledger.releaseLapsedHolds(10)).toBe(1);
    expect(await commitOf(lapsed.id)).toBe("on");
  });

  it("is ended all the same when a crash of the server made it wait again", async () => {
    const asker = await personWith(1n);
    const asked = question(asker);
    await replies.open(asked);
    const before = await database.pool.query("SELECT * FROM reply WHERE id = $1", [asked.id]);
    await replies.start(asked.id, LEASE_MS);
    const [{ state, attempts, started_at }] = before.rows;
    await database.pool.query(
      "UPDATE reply SET state = $2, attempts = $3, started_at = $4 WHERE id = $1",
      [asked.id, state, attempts, started_at],
    );
    expect(await replies.finish(answered(asked.id, 1n))).toBe(1n);
    expect(await replies.finish(answered(asked.id, 1n))).toBeNull();
    expect(await replies.start(asked.id, LEASE_MS)).toBeNull();
    expect((await ledger.balance(asker.id)).available.message).toBe(0n);
  });

  it("ends waiting replies on stop and asks running ones to stop", async () => {
    const asker = await personWith(5n);
    const running = question(asker);
    const waiting = question(asker);
    await replies.open(running);
    await replies.open(waiting);
    await replies.start(running.id, LEASE_MS);
    const stopped = await replies.requestStop(asker.id, { address: running.address });
    expect(stopped).toEqual({ ended: [waiting.id], running: [running.id] });
    expect((await replies.find(waiting.id))?.state).toBe("stopped");
    expect((await replies.find(running.id))?.isStopRequested).toBe(true);
    expect((await ledger.balance(asker.id)).available.message).toBe(4n);
    const stranger = await personWith(1n);
    expect(await replies.requestStop(stranger.id, { replyId: running.id })).toEqual({
      ended: [],
      running: [],
    });
  });

  it("finds the reply of a message and rewrites its question", async () => {
    const asker = await personWith(5n);
    const first = question(asker);
    await replies.open(first);
    const source = await replies.findBySource(first.address, first.messageId);
    expect(source).toMatchObject({ reply: { id: first.id, state: "queued" }, sourceCount: 1 });
    expect(await replies.findBySource(first.address, "none")).toBeNull();
    expect(await replies.rewriteQuestion(first.id, "newer")).toBe(true);
    expect(await replies.rewriteQuestion(first.id, "newer")).toBe(false);
    await replies.start(first.id, LEASE_MS);
    const late = { replyId: first.id, onlyWaiting: true } as const;
    expect(await replies.requestStop(asker.id, late)).toEqual({ ended: [], running: [] });
    await replies.finish(answered(first.id, 1n));
    const last = await replies.findLastEnded(asker.conversationId, asker.id);
    expect(last?.id).toBe(first.id);
    const turns = await conversations.readTurns(asker.conversationId, 5);
    expect(turns[0]?.text).toBe("newer");
  });

  it("leaves a retried question and its answer out of the context, but not of the history", async () => {
    const asker = await personWith(5n);
    const image = { mediaType: "image/png", bytes: new Uint8Array([1, 2, 3]) };
    const first = question(asker, { images: [image] });
    await replies.open(first);
    await replies.start(first.id, LEASE_MS);
    await replies.finish(answered(first.id, 1n));
    const turnId = (await replies.find(first.id))?.questionTurnId ?? 0n;
    const other = question(asker, { text: "between" });
    await replies.open(other);
    const all = { beforeId: null, exceptId: null };
    expect(await conversations.readContext(asker.conversationId, 10, all)).toHaveLength(3);
    const except = { beforeId: null, exceptId: turnId };
    expect(await conversations.readContext(asker.conversationId, 10, except)).toHaveLength(1);
    await replies.open(question(asker, { supersedesTurn: turnId, images: [image] }));
    const context = await conversations.readContext(asker.conversationId, 10, all);
    expect(context.map(({ text }) => text)).toEqual(["between", "How are you?"]);
    const turns = await conversations.readTurns(asker.conversationId, 10);
    expect(turns).toHaveLength(4);
    const images = await conversations.readImages([turns[3]?.id ?? 0n]);
    expect(images[0]?.bytes).toEqual(Buffer.from([1, 2, 3]));
  });

  it("counts what was answered and what we failed to answer", async () => {
    const asker = await personWith(9n);
    const stats = new PgStatsStore(database.pool);
    const since = new Date();
    const before = await stats.countOutcomes(since);
    for (const [state, failure] of [
      ["answered", null],
      ["answered", "length_reached"],
      ["answered", "upstream_cut"],
      ["failed", "upstream_unavailable"],
      ["failed", "upstream_rejected"],
      ["stopped", null],
    ] as const) {
      const asked = question(asker);
      await replies.open(asked);
      const text = state === "failed" ? "" : "Fine";
      await replies.finish({ ...answered(asked.id, 0n), state, failure, text });
    }
    await replies.open(question(asker));
    const { answered: count, failed } = await stats.countOutcomes(since);
    expect([count - before.answered, failed - before.failed]).toEqual([2, 2]);
    const later = new Date(Date.now() + 1_000);
    expect(await stats.countOutcomes(later)).toEqual({ answered: 0, failed: 0 });
  });

  it("finds what the queue lost", async () => {
    const asker = await personWith(5n);
    const first = question(asker);
    await replies.open(first);
    await replies.release(asker.id, 1);
    expect(await outbox.listOrphans(60_000, 100)).not.toContain(first.id);
    await expect.poll(() => outbox.listOrphans(1, 100)).toContain(first.id);
    expect(await outbox.listUnbegun(60_000, 100)).not.toContain(first.id);
    await expect.poll(() => outbox.listUnbegun(1, 100)).toContain(first.id);
    // Listed a moment ago; others come first.
    expect(await outbox.listUnbegun(60_000, 100)).not.toContain(first.id);
    await replies.start(first.id, LEASE_MS);
    expect(await outbox.listUnbegun(-1_000, 100)).not.toContain(first.id);
    await replies.finish(answered(first.id, 1n));
    await expect
      .poll(() => outbox.listUndelivered(1, 100))
      .toContainEqual({ id: first.id, platform: "fake", bot: "1" });
    await replies.markDelivered(first.id, "receipt", true);
    expect((await replies.find(first.id))?.state).toBe("delivered");
    const left = await outbox.listUndelivered(0, 100);
    expect(left.map(({ id }) => id)).not.toContain(first.id);
  });

  it("parks what the platform takes no more of, and gives back the oldest first, once", async () => {
    const asker = await personWith(5n);
    const address = question(asker).address;
    const ids: string[] = [];
    for (let round = 0; round < 2; round += 1) {
      const reply = question(asker);
      ids.push(reply.id);
      await replies.open(reply);
      await replies.release(asker.id, 1);
      await replies.start(reply.id, LEASE_MS);
      await replies.finish(answered(reply.id, 1n));
    }
    const [first = "", second = ""] = ids;
    await outbox.park(second, "two");
    await outbox.park(first, "one");
    await outbox.park(first, "another receipt");
    expect(await replies.find(first)).toMatchObject({ receipt: "one", state: "answered" });
    const waiting = await outbox.listUndelivered(0, 1000);
    expect(waiting.map(({ id }) => id).filter((id) => ids.includes(id))).toEqual([]);

    expect(await outbox.unparkNext({ ...address, channel: "elsewhere" })).toBeNull();
    expect(await outbox.unparkNext({ ...address, thread: "7" })).toBeNull();
    const both = await Promise.all([outbox.unparkNext(address), outbox.unparkNext(address)]);
    expect(both.map((reply) => reply?.id).sort()).toEqual([first, second].sort());
    expect(await outbox.unparkNext(address)).toBeNull();
    expect((await outbox.listUndelivered(0, 1000)).map(({ id }) => id)).toEqual(
      expect.arrayContaining([first, second]),
    );
    await replies.markDelivered(first, "one", true);
    await outbox.park(first, "late");
    expect(await outbox.unparkNext(address)).toBeNull();
  });

  it("keeps two bots and two platforms with the same user id apart", async () => {
    const sender = { platformUserId: "same", displayName: "S", username: "S", locale: null };
    const ids = new Set<string>();
    for (const [platform, bot] of [
      ["fake", "1"],
      ["fake", "2"],
      ["other", "1"],
    ] as const) {
      const person = await accounts.identify({ platform, bot, sender, directChannel: null });
      expect(person.isNew).toBe(true);
      ids.add(person.account.id);
    }
    expect(ids.size).toBe(3);
    const again = await Promise.all(
      Array.from({ length: 10 }, () =>
        accounts.identify({
          platform: "fake",
          bot: "9",
          sender: { ...sender, platformUserId: "race" },
          directChannel: null,
        }),
      ),
    );
    expect(new Set(again.map(({ account }) => account.id)).size).toBe(1);
    expect(await accounts.search("@S")).toHaveLength(4);
  });
});
