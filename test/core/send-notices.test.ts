import { beforeEach, describe, expect, it } from "vitest";
import type { Identity } from "../../src/core/account/account.ts";
import { RuntimeSettings } from "../../src/core/admin/runtime-settings.ts";
import { SendNotices } from "../../src/core/admin/send-notices.ts";
import type { ChatAddress } from "../../src/core/chat/chat-address.ts";
import { chatKey } from "../../src/core/chat/chat-address.ts";
import { ChatConnections } from "../../src/core/chat/chat-connections.ts";
import { EditBudget } from "../../src/core/chat/edit-budget.ts";
import type { CommandContext } from "../../src/core/commands/command.ts";
import { drainCommand } from "../../src/core/commands/operation-commands.ts";
import { DeliverNotice } from "../../src/core/deliver-notice.ts";
import { OutsideError } from "../../src/core/errors.ts";
import type { BotKey, Delivery } from "../../src/core/reply-queue.ts";
import { textsFor } from "../../src/core/texts/locales.ts";
import { FakeChat } from "../fakes/fake-chat.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryAuditLog } from "../fakes/memory-audit-log.ts";
import { MemoryNoticeStore } from "../fakes/memory-notice-store.ts";
import { MemoryReplyQueue } from "../fakes/memory-reply-queue.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

const at = (platform: string, bot: string, channel: string): ChatAddress => ({
  platform,
  bot,
  channel,
  thread: null,
});

/** A queue that cannot take anything for one platform. */
class PartlyBrokenQueue extends MemoryReplyQueue {
  brokenFor: string | null = null;

  override async addDelivery(bot: BotKey, delivery: Delivery): Promise<void> {
    if (bot.platform === this.brokenFor) throw new OutsideError("queue", "unreachable");
    await super.addDelivery(bot, delivery);
  }
}

let store: MemoryNoticeStore;
let queue: PartlyBrokenQueue;
let adminChats: ChatAddress[];
let notices: SendNotices;

beforeEach(() => {
  store = new MemoryNoticeStore();
  queue = new PartlyBrokenQueue();
  adminChats = [
    at("web", "web", "admin"),
    at("telegram", "77", "-100500"),
    at("telegram", "77", "900"),
    at("discord", "88", "room"),
  ];
  const accounts = { listIdentities: async () => [], listReachable: async () => [] };
  notices = new SendNotices(accounts, store, queue, () => adminChats, new RecordedLog());
});

const waiting = () =>
  adminChats.map(({ platform, bot }) => queue.deliveriesFor({ platform, bot }).length);

describe("News for admins", () => {
  it("go to every admin chat of every platform, once for one cause", async () => {
    await notices.toAdmins("key:main", "Key main is dead");
    await notices.toAdmins("key:main", "Key main is dead");
    expect(waiting()).toEqual([1, 2, 2, 1]);
    await notices.toAdmins("storm", "Somebody guesses");
    expect(waiting()).toEqual([2, 4, 4, 2]);
  });

  it("reach the others when one bot's queue takes nothing, and that one with the sweep", async () => {
    queue.brokenFor = "telegram";
    await notices.toAdmins("key:main", "Key main is dead");
    expect(waiting()).toEqual([1, 0, 0, 1]);
    queue.brokenFor = null;
    await notices.sweep();
    expect(waiting()).toEqual([1, 2, 2, 1]);
  });

  it("reach the other chats of a bot that was thrown out of one", async () => {
    const chat = new FakeChat();
    adminChats = ["one", "closed", "three"].map((channel) => at("fake", "bot", channel));
    chat.closeChat(at("fake", "bot", "closed"));
    const { pace, callsPerSecondMax } = chat.capabilities;
    const budget = new EditBudget(new FakeClock(), pace, callsPerSecondMax);
    const connections = new ChatConnections([{ sender: chat, budget }], () => true);
    const deliver = new DeliverNotice(store, () => connections);
    await notices.toAdmins("key:main", "Key main is dead");
    await queue.runDeliveries({ platform: "fake", bot: "bot" }, ({ id }) => deliver.run(id));
    expect(chat.messages).toHaveLength(2);
    expect(store.states).toEqual({ one: "sent", closed: "failed", three: "sent" });
  });
});

describe("News raised in a process without chats", () => {
  const worker = () => {
    const accounts = { listIdentities: async () => [], listReachable: async () => [] };
    return new SendNotices(accounts, store, queue, () => [], new RecordedLog());
  };

  it("reaches every admin chat with the next sweep of the process that serves it, once", async () => {
    await worker().toAdmins("key:main", "Key main is dead");
    await worker().sweep();
    expect(waiting()).toEqual([0, 0, 0, 0]);
    await notices.sweep();
    await notices.sweep();
    expect(Object.keys(store.states).toSorted()).toEqual(["-100500", "900", "admin", "room"]);
    expect(waiting()).toEqual([1, 2, 2, 1]);
  });

  it("is told by each gateway in the chats that are its own", async () => {
    await worker().toAdmins("key:main", "Key main is dead");
    const all = adminChats;
    adminChats = all.slice(0, 1);
    await notices.sweep();
    expect(Object.keys(store.states)).toEqual(["admin"]);
    adminChats = all.slice(1);
    await notices.sweep();
    expect(Object.keys(store.states)).toHaveLength(4);
  });
});

describe("/drain", () => {
  it("is learnt by every admin chat but the one that said it, and only when it changes something", async () => {
    const audit = new MemoryAuditLog();
    const values = new Map<string, unknown>();
    const runtime = new RuntimeSettings({
      read: async (key) => values.get(key),
      write: async (key, value) => void values.set(key, value),
      merge: async () => {},
    });
    const command = drainCommand({
      audit,
      runtime,
      notices,
      replies: { countOpen: async () => 3 },
      settings: { defaultLocale: "en" },
      connections: () => new ChatConnections([], () => false),
    });
    const from = (id: string, address: ChatAddress) =>
      ({
        message: { id, address },
        cause: `${chatKey(address)}:${id}`,
        texts: textsFor("en"),
        actor: "telegram:42",
      }) as CommandContext;
    const chat = adminChats[1] ?? at("", "", "");

    const answer = await command.run(from("1", chat), "on");
    expect(answer?.text).toContain("3 answers");
    expect(Object.keys(store.states).toSorted()).toEqual(["900", "admin", "room"]);
    expect(store.texts).toContainEqual(expect.stringContaining("telegram:42"));
    await command.run(from("2", chat), "");
    expect(store.texts).toHaveLength(3);
    await command.run(from("3", chat), "off");
    expect(store.texts).toHaveLength(6);
    expect(runtime.isDraining).toBe(false);
    expect(audit.records.map(({ before, after }) => [before, after])).toEqual([
      [false, true],
      [true, true],
      [true, false],
    ]);
  });
});

describe("A notice for several chats of a person", () => {
  it("goes to each that has a private chat, once for one cause", async () => {
    const identity = (id: bigint, directChannel: string | null): Identity => ({
      id,
      accountId: "A",
      platform: "telegram",
      bot: "77",
      platformUserId: String(id),
      displayName: "",
      username: null,
      directChannel,
    });
    const chats = [identity(1n, "1"), identity(2n, null), identity(3n, "3")];
    await notices.toIdentities(chats, "link:B", "linked");
    await notices.toIdentities(chats, "link:B", "linked");
    expect(Object.keys(store.states)).toEqual(["1", "3"]);
    expect(queue.deliveriesFor({ platform: "telegram", bot: "77" })).toHaveLength(2);
  });
});
