import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RuntimeSettings } from "../../src/core/admin/runtime-settings.ts";
import { PgNoticeStore } from "../../src/store/pg-notice-store.ts";
import { PgSettingStore } from "../../src/store/pg-setting-store.ts";
import { PrismaAuditLog } from "../../src/store/prisma-audit-log.ts";
import { LazyPrisma } from "../../src/store/prisma-client.ts";
import { systemClock } from "../../src/system-clock.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { inParallel } from "../fakes/in-parallel.ts";
import { emptyDatabase, type TestDatabase } from "../fakes/test-database.ts";

let database: TestDatabase;
let prisma: LazyPrisma;
beforeAll(async () => {
  database = await emptyDatabase();
  prisma = new LazyPrisma(database.url);
});
afterAll(async () => {
  await prisma.stop();
  await database[Symbol.asyncDispose]();
});

describe("PgSettingStore", () => {
  it("keeps switches and prices for the next process", async () => {
    const first = new RuntimeSettings(new PgSettingStore(database.pool));
    await first.refresh();
    expect(first.isDraining).toBe(false);
    await first.setDraining(true);
    await first.setPrice("m", 1n, 2n);
    await first.setPrice("n", 3n, 0n);
    const second = new RuntimeSettings(new PgSettingStore(database.pool));
    await second.refresh();
    expect(second.isDraining).toBe(true);
    expect([...second.prices]).toEqual([
      ["m", { input: 1n, output: 2n }],
      ["n", { input: 3n, output: 0n }],
    ]);
  });

  it("keeps every price that processes set at the same time", async () => {
    const models = Array.from({ length: 40 }, (_, index) => `raced-${index}`);
    await inParallel(40, 40, async (index) => {
      const settings = new RuntimeSettings(new PgSettingStore(database.pool));
      await settings.setPrice(`raced-${index}`, 5n, BigInt(index));
    });
    const settings = new RuntimeSettings(new PgSettingStore(database.pool));
    await settings.refresh();
    expect([...settings.prices.keys()]).toEqual(expect.arrayContaining(models));
  });
});

describe("PgNoticeStore", () => {
  const address = { platform: "fake", bot: "1", channel: "c", thread: null };

  it("keeps a notice once for its cause until it is sent", async () => {
    const store = new PgNoticeStore(database.pool, systemClock);
    const [notice] = await store.add([
      { address, text: "one\0", cause: "a" },
      { address, text: "two", cause: "b" },
    ]);
    expect(notice).toMatchObject({ address, text: "one" });
    expect(await store.add([{ address, text: "again", cause: "a" }])).toEqual([]);
    await expect.poll(() => store.listQueued(1, 10)).toHaveLength(2);
    expect(await store.listQueued(60_000, 10)).toEqual([]);
    await store.mark(notice?.id ?? "", "sent");
    expect(await store.findQueued(notice?.id ?? "")).toBeNull();
    expect(await store.listQueued(1, 10)).toHaveLength(1);
  });
});

describe("PgNoticeStore, news for admins", () => {
  const at = (platform: string, channel: string) => {
    return { platform, bot: "1", channel, thread: null };
  };
  const chats = [at("telegram", "-100"), at("web", "admin")];

  it("waits for processes that serve admin chats, and reaches each chat once", async () => {
    await using own = await emptyDatabase();
    const store = new PgNoticeStore(own.pool, systemClock);
    await store.addForAdmins("news:key", "Key is dead\0", null);
    await store.addForAdmins("news:key", "Key is dead", null);
    expect(await store.addToAdminChats([])).toEqual([]);
    const added = await store.addToAdminChats(chats);
    expect(added.map(({ address, text }) => [address, text])).toEqual(
      chats.map((chat) => [chat, "Key is dead"]),
    );
    expect(await store.addToAdminChats(chats)).toEqual([]);
    const later = at("discord", "ops");
    expect((await store.addToAdminChats([...chats, later])).map(({ address }) => address)).toEqual([
      later,
    ]);
    for (const { id } of added) await store.mark(id, "sent");
    expect(await store.addToAdminChats(chats)).toEqual([]);
  });

  it("is made once by many processes at the same time, in the order of the news", async () => {
    await using own = await emptyDatabase();
    const store = new PgNoticeStore(own.pool, systemClock);
    const causes = Array.from({ length: 20 }, (_, index) => `news:many:${index}`);
    for (const cause of causes) await store.addForAdmins(cause, cause, null);
    const chat = at("telegram", "many");
    const added = await inParallel(10, 10, () => store.addToAdminChats([chat]));
    const texts = added.flat().map(({ text }) => text);
    expect(texts.filter((text) => text.startsWith("news:many")).toSorted()).toEqual(
      causes.toSorted(),
    );
    const { rows } = await own.pool.query(
      "SELECT text FROM notice WHERE channel = 'many' AND text LIKE 'news:many%' ORDER BY number",
    );
    expect(rows.map(({ text }) => text)).toEqual(causes);
  });

  it("skips the chat that knows already, and a chat that comes days later", async () => {
    await using own = await emptyDatabase();
    const store = new PgNoticeStore(own.pool, systemClock);
    const [telegram = at("", ""), web = at("", "")] = chats;
    await store.addForAdmins("news:drain", "Drained", web);
    expect((await store.addToAdminChats(chats)).map(({ address }) => address)).toEqual([telegram]);
    const age = "UPDATE admin_notice SET created_at = now() - $1::interval";
    await own.pool.query(age, ["73 hours"]);
    expect(await store.addToAdminChats([at("telegram", "new")])).toEqual([]);
    await own.pool.query(age, ["71 hours"]);
    expect(await store.addToAdminChats([at("telegram", "new")])).not.toEqual([]);
  });
});

describe("PgNoticeStore, where a platform takes nothing until the person writes", () => {
  const address = { platform: "wechat", bot: "main", channel: "c", thread: null };

  it("parks notices for a chat and has them sent when the person writes, once", async () => {
    const store = new PgNoticeStore(database.pool, systemClock);
    const added = await store.add(
      ["one", "two", "other"].map((text) => ({
        address: text === "other" ? { ...address, channel: "d" } : address,
        text,
        cause: `parked:${text}`,
      })),
    );
    for (const { id } of added) await store.mark(id, "parked");
    expect(await store.findQueued(added[0]?.id ?? "")).toBeNull();
    expect((await store.unpark(address)).map(({ text }) => text)).toEqual(["one", "two"]);
    expect(await store.unpark(address)).toEqual([]);
    expect((await store.findQueued(added[0]?.id ?? ""))?.text).toBe("one");
  });

  it("keeps the order of notices made in one millisecond, also when they are touched in another", async () => {
    const clock = new FakeClock();
    const store = new PgNoticeStore(database.pool, clock);
    const there = { ...address, channel: "ordered" };
    const texts = Array.from({ length: 30 }, (_, index) => `number ${index}`);
    const added = await store.add(
      texts.map((text) => ({ address: there, text, cause: `ordered:${text}` })),
    );
    expect(added.map(({ text }) => text)).toEqual(texts);
    for (const { id } of added.toReversed()) await store.mark(id, "parked");
    expect((await store.unpark(there)).map(({ text }) => text)).toEqual(texts);
    const ours = async () => (await store.listQueued(-60_000, 500)).map(({ text }) => text);
    expect((await ours()).filter((text) => texts.includes(text))).toEqual(texts);
  });
});

describe("PrismaAuditLog", () => {
  it("keeps what an admin did, newest first, with before and after", async () => {
    const audit = new PrismaAuditLog(prisma);
    const record = { actor: "fake:1", action: "ban", target: "T", reason: "spam" };
    const banned = { ...record, cause: "ban:1", before: null, after: { status: "banned" } };
    expect(await audit.write(banned)).toBe(true);
    const before = { status: "banned" };
    await audit.write({ ...record, cause: "unban:2", action: "unban", before, after: null });
    expect(await audit.write({ ...banned, reason: "once more after a crash" })).toBe(false);
    const records = await audit.listAbout("T", 10);
    expect(records.map(({ action, before, after }) => [action, before, after])).toEqual([
      ["unban", { status: "banned" }, null],
      ["ban", null, { status: "banned" }],
    ]);
    expect(records.map(({ cause, reason }) => [cause, reason])).toEqual([
      ["unban:2", "spam"],
      ["ban:1", "spam"],
    ]);
    expect(await audit.listAbout("other", 10)).toEqual([]);
  });
});
