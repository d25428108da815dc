import { afterAll, describe, expect, it } from "vitest";
import { createAccountId } from "../../src/core/ids.ts";
import { PgConversationStore } from "../../src/store/pg-conversation-store.ts";
import { systemClock } from "../../src/system-clock.ts";
import { emptyDatabase } from "../fakes/test-database.ts";

const database = await emptyDatabase();
const { pool } = database;
const store = new PgConversationStore(pool, systemClock);
afterAll(() => database[Symbol.asyncDispose]());

async function newAccount(): Promise<string> {
  const id = createAccountId();
  await pool.query("INSERT INTO account (id) VALUES ($1)", [id]);
  return id;
}

/** A conversation with a turn in it, last used so many minutes ago. */
async function begin(owner: { key: string; accountId: string | null }, title: string, ago: number) {
  const id = await store.startNew(owner);
  await pool.query(
    `UPDATE conversation SET title = $2, last_turn_at = now() - make_interval(mins => $3) WHERE id = $1`,
    [id, title, ago],
  );
  await pool.query(
    "INSERT INTO turn (conversation_id, author, account_id, text) VALUES ($1, 'user', $2, 'Hi')",
    [id, owner.accountId ?? (await newAccount())],
  );
  return id;
}

describe("PgConversationStore", () => {
  it("lists a person's conversations, newest first, and says which one goes on", async () => {
    const owner = { key: "fake:1:ann", accountId: await newAccount() };
    const old = await begin(owner, "old", 20);
    await begin(owner, "new", 5);
    await begin(owner, "middle", 10);
    await store.resume(owner, old);
    const list = await store.list(owner, 10);
    expect(list.map(({ title, isCurrent }) => [title, isCurrent])).toEqual([
      ["new", false],
      ["middle", false],
      ["old", true],
    ]);
    expect((await store.list(owner, 2)).map(({ title }) => title)).toEqual(["new", "middle"]);
  });

  it("leaves out a conversation in which nothing was said, and those of others", async () => {
    const owner = { key: "fake:1:bob", accountId: await newAccount() };
    await begin(owner, "said", 1);
    await store.startNew(owner);
    await begin({ key: "fake:1:cai", accountId: await newAccount() }, "of another", 1);
    expect((await store.list(owner, 10)).map(({ title }) => title)).toEqual(["said"]);
  });

  it("lists only what goes on in a group, whose conversation is nobody's", async () => {
    await begin({ key: "fake:1:dan", accountId: await newAccount() }, "of a member", 1);
    const group = { key: "fake:1:group", accountId: null };
    await begin(group, "before", 3);
    await begin(group, "ours", 2);
    expect(await store.list(group, 10)).toMatchObject([{ title: "ours", isCurrent: true }]);
  });
});
