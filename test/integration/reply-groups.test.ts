import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { createAccountId, createId } from "../../src/core/ids.ts";
import type { NewReply, ReplyEnd } from "../../src/core/reply-store.ts";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { PgLedger } from "../../src/store/pg-ledger.ts";
import { PgReplyStore } from "../../src/store/pg-reply-store.ts";
import { newReplyOf } from "../fakes/new-reply.ts";
import { emptyDatabase } from "../fakes/test-database.ts";

const database = await emptyDatabase();
const { pool } = database;
afterAll(() => database[Symbol.asyncDispose]());

const ledger = new PgLedger(pool);
const sent: string[] = [];
/** The same pool, with what it is asked written down. */
const watched = {
  query: (query: pg.QueryConfig) => {
    sent.push(query.text);
    return pool.query(query);
  },
} as unknown as pg.Pool;
const replies = new PgReplyStore(watched);

interface Asker {
  readonly id: string;
  readonly identityId: bigint;
  readonly conversationId: string;
}

async function askerWith(messages: bigint): Promise<Asker> {
  const id = createAccountId();
  await pool.query("INSERT INTO account (id) VALUES ($1)", [id]);
  const { rows } = await pool.query<{ id: bigint }>(
    `INSERT INTO identity (account_id, platform, bot, platform_user_id, display_name)
     VALUES ($1, 'fake', '1', $1, 'A') RETURNING id`,
    [id],
  );
  const conversationId = randomUUID();
  await pool.query("INSERT INTO conversation (id, account_id) VALUES ($1, $2)", [
    conversationId,
    id,
  ]);
  if (messages > 0n) {
    await ledger.grant({
      cause: `m:${id}`,
      accountId: id,
      unit: "message",
      kind: "gift",
      priority: 50,
      amount: messages,
      validUntil: null,
      modelScope: null,
      origin: "promotions",
      reason: "test",
    });
  }
  return { id, identityId: rows[0]?.id ?? 0n, conversationId };
}

function questionOf(asker: Asker, changes: Partial<NewReply> = {}): NewReply {
  const { id, identityId, conversationId } = asker;
  const asking = { accountId: id, identityId, conversationId, channel: id };
  return newReplyOf(asking, { runningMax: 1, openRepliesMax: 500, ...changes });
}

function answered(id: string): ReplyEnd {
  return {
    id,
    state: "answered",
    text: "Fine",
    charge: 1n,
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
    firstWordMs: 5,
    answerMs: 9,
  };
}

const groupsOf = (name: string) => sent.filter((text) => text.includes(`${name}($1::jsonb[])`));

describe("questions and answers of one moment", () => {
  it("share transactions and are each held, answered and charged", async () => {
    const askers = await Promise.all(Array.from({ length: 60 }, () => askerWith(2n)));
    sent.length = 0;
    const asked = askers.map((asker) => questionOf(asker));
    const opened = await Promise.all(asked.map((reply) => replies.open(reply)));
    expect(opened).toEqual(
      asked.map(({ id }) => ({ status: "opened", replyId: id, released: [id] })),
    );
    const charged = await Promise.all(asked.map(({ id }) => replies.finish(answered(id))));
    expect(charged).toEqual(asked.map(() => 1n));
    expect(sent.length).toBeLessThan(20);
    expect(groupsOf("open_replies")).not.toEqual([]);
    expect(groupsOf("finish_replies")).not.toEqual([]);
    for (const { id } of askers) {
      expect((await ledger.balance(id)).available.message).toBe(1n);
    }
    expect(await auditLedger(pool)).toEqual([]);
  });

  it("are each told their own: no credit, known before, too many, and a failure", async () => {
    const [rich, poor, full, broken] = await Promise.all([5n, 0n, 5n, 5n].map(askerWith));
    if (!(rich && poor && full && broken)) throw new Error("four askers");
    const known = questionOf(rich);
    await replies.open(known);
    const outcomes = await Promise.allSettled(
      [
        questionOf(rich),
        { ...known, id: createId(new Date()) },
        questionOf(poor),
        questionOf(full, { openRepliesMax: 0 }),
        questionOf(broken, { conversationId: randomUUID() }),
      ].map((reply) => replies.open(reply)),
    );
    expect(outcomes).toMatchObject([
      { status: "fulfilled", value: { status: "opened" } },
      { status: "fulfilled", value: { status: "duplicate", replyId: known.id } },
      {
        status: "fulfilled",
        value: { status: "insufficient", creditAvailable: 0n, messagesAvailable: 0n },
      },
      { status: "fulfilled", value: { status: "queue_full" } },
      { status: "rejected", reason: { code: "23503" } },
    ]);
    expect((await ledger.balance(rich.id)).held.message).toBe(2n);
    for (const { id } of [poor, full, broken]) {
      expect((await ledger.balance(id)).held.message).toBe(0n);
    }
  });

  it("serve exactly as many of one person's as are paid for", async () => {
    const asker = await askerWith(10n);
    const asked = Array.from({ length: 100 }, () => questionOf(asker));
    const outcomes = await Promise.all(asked.map((reply) => replies.open(reply)));
    expect(outcomes.filter(({ status }) => status === "opened")).toHaveLength(10);
    expect(outcomes.filter(({ status }) => status === "insufficient")).toHaveLength(90);
    const released = outcomes.flatMap((outcome) => ("released" in outcome ? outcome.released : []));
    expect(released).toHaveLength(1);
  });

  it("end once, however often they are ended at once", async () => {
    const askers = await Promise.all([askerWith(1n), askerWith(1n)]);
    const ids = await Promise.all(
      askers.map(async (asker) => {
        const reply = questionOf(asker);
        await replies.open(reply);
        return reply.id;
      }),
    );
    const ends = [...ids, ...ids, ...ids].map((id) => replies.finish(answered(id)));
    const charged = await Promise.all(ends);
    expect(charged.filter((charge) => charge === 1n)).toHaveLength(2);
    expect(charged.filter((charge) => charge === null)).toHaveLength(4);
    expect(await replies.finish(answered(randomUUID()))).toBeNull();
  });

  it("do not wait for somebody whose account is locked", async () => {
    const [locked, ...others] = await Promise.all(Array.from({ length: 8 }, () => askerWith(1n)));
    if (locked === undefined) throw new Error("an asker");
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      await client.query("SELECT 1 FROM account WHERE id = $1 FOR UPDATE", [locked.id]);
      const waiting = replies.open(questionOf(locked));
      const outcomes = await Promise.all(others.map((asker) => replies.open(questionOf(asker))));
      expect(outcomes.every(({ status }) => status === "opened")).toBe(true);
      await client.query("COMMIT");
      expect(await waiting).toMatchObject({ status: "opened" });
    } finally {
      client.release();
    }
  });

  it("of a group chat, whose conversation all write, go one by one", async () => {
    const askers = await Promise.all(Array.from({ length: 6 }, () => askerWith(1n)));
    const conversationId = askers[0]?.conversationId ?? "";
    sent.length = 0;
    const asked = askers.map((asker) => questionOf(asker, { isDirect: false, conversationId }));
    const opened = await Promise.all(asked.map((reply) => replies.open(reply)));
    expect(opened.every(({ status }) => status === "opened")).toBe(true);
    expect(groupsOf("open_replies")).toEqual([]);
    const charged = await Promise.all(asked.map(({ id }) => replies.finish(answered(id))));
    expect(charged).toEqual(asked.map(() => 1n));
    expect(await auditLedger(pool)).toEqual([]);
  });
});
