import { describe, expect, it } from "vitest";
import type { Account } from "../../src/core/account/account.ts";
import type { ChatCapabilities } from "../../src/core/chat/chat-adapter.ts";
import { EditBudget } from "../../src/core/chat/edit-budget.ts";
import { cardsCommand } from "../../src/core/commands/cards.ts";
import type { CommandContext } from "../../src/core/commands/command.ts";
import { tellAnswer } from "../../src/core/commands/tell-answer.ts";
import { textsFor } from "../../src/core/texts/locales.ts";
import { ModelCatalog } from "../../src/core/upstream/model-catalog.ts";
import { pepper } from "../contract/card-store-under-test.ts";
import { FakeChat } from "../fakes/fake-chat.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryAuditLog } from "../fakes/memory-audit-log.ts";
import { MemoryCardStore } from "../fakes/memory-card-store.ts";
import { MemoryLedger } from "../fakes/memory-ledger.ts";

const address = { platform: "fake", bot: "bot", channel: "admins", thread: null };

/** An admin chat, and the card command behind it. */
function open(capabilities: Partial<ChatCapabilities> = {}) {
  const clock = new FakeClock({ autoAdvance: true });
  const chat = new FakeChat(capabilities, clock);
  const { pace, callsPerSecondMax } = chat.capabilities;
  const connection = { sender: chat, budget: new EditBudget(clock, pace, callsPerSecondMax) };
  const cards = new MemoryCardStore(new MemoryLedger(clock), clock);
  const audit = new MemoryAuditLog();
  const models = new ModelCatalog([], () => new Map());
  const command = cardsCommand({ cards, pepper, audit, models, currency: "USD", clock });
  const account: Account = {
    ...{ id: "a", banReason: null, locale: null, model: null, role: null, showReceipt: null },
    status: "active",
    createdAt: clock.now(),
  };
  const identity = {
    ...{ id: 1n, accountId: "a", platform: "fake", bot: "bot", platformUserId: "u" },
    ...{ displayName: "Ann", username: null, directChannel: null },
  };
  const context: CommandContext = {
    message: {
      ...{ id: "m", address, text: "", isDirect: true, isEdit: false, quotedText: null },
      ...{ attachments: [], receivedAt: clock.now() },
      sender: { platformUserId: "u", displayName: "Ann", username: null, locale: null },
    },
    person: { account, identity, isNew: false, isTrialDue: false },
    ...{ locale: "en", texts: textsFor("en"), cause: "fake/bot/c:m", actor: "fake:u" },
    isAdmin: true,
  };
  const give = async (args: string) => {
    const answer = await command.run(context, args, connection);
    if (answer !== null) await tellAnswer(context, answer, connection);
  };
  return { chat, cards, audits: audit.records, give };
}

describe("a new batch of cards", () => {
  it("is handed out as a file, and then described", async () => {
    const { chat, cards, give } = open();
    await give("new SPRING 3 5m 30");
    expect(chat.calls.map(({ kind }) => kind)).toEqual(["sendFile", "send"]);
    expect(chat.files[0]?.file.content.trim().split("\n")).toHaveLength(3);
    expect(chat.messages[0]).toContain("SPRING");
    expect((await cards.findBatch("SPRING"))?.state).toBe("active");
  });

  it.each([
    [2, true],
    [1, false],
  ])("with %i messages left in the chat is made: %s", async (left, isMade) => {
    const { chat, cards, audits, give } = open({ sendsPerMessageMax: left });
    const made = give("new SPRING 3 5m 30");
    if (isMade) await made;
    else await expect(made).rejects.toMatchObject({ code: "file_no_room" });
    expect((await cards.findBatch("SPRING")) !== null).toBe(isMade);
    expect(chat.files).toHaveLength(isMade ? 1 : 0);
    expect(audits).toHaveLength(isMade ? 1 : 0);
  });

  it.each(["window_closed", "chat_gone", "rejected"] as const)(
    "whose file is refused as %s is void, since nobody has its codes",
    async (kind) => {
      const { chat, cards, audits, give } = open();
      chat.failNext(kind, { on: "sendFile" });
      await give("new SPRING 3 5m 30");
      const batch = await cards.findBatch("SPRING");
      expect(batch).toMatchObject({ state: "void", cards: { active: 0, void: 3 } });
      expect(chat.messages).toHaveLength(1);
      expect(chat.messages[0]).toContain("void");
      expect(audits.map(({ action }) => action)).toEqual(["cards new", "cards void"]);
    },
  );

  it("survives a file that goes out at the second try", async () => {
    const { chat, cards, give } = open();
    chat.failNext("unreachable", { on: "sendFile" });
    await give("new SPRING 3 5m 30");
    expect(chat.files).toHaveLength(1);
    expect((await cards.findBatch("SPRING"))?.state).toBe("active");
  });

  it("is void when the platform stays away", async () => {
    const { chat, cards, give } = open();
    chat.failNext("unreachable", { on: "sendFile", times: 10 });
    await give("new SPRING 3 5m 30");
    expect((await cards.findBatch("SPRING"))?.state).toBe("void");
  });
});
