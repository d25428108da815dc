import { beforeEach, describe, expect, it } from "vitest";
import { AdminAccess } from "../../src/core/admin/admin-access.ts";
import type { AskQuestion } from "../../src/core/ask-question.ts";
import type { ChatConnection } from "../../src/core/chat/chat-connections.ts";
import { EditBudget } from "../../src/core/chat/edit-budget.ts";
import type { IncomingMessage } from "../../src/core/chat/incoming-message.ts";
import { CommandList } from "../../src/core/commands/command-list.ts";
import { OutsideError } from "../../src/core/errors.ts";
import { HandleMessage, type HandleMessageParts } from "../../src/core/handle-message.ts";
import { defaultChatSettings, testModel } from "../fakes/chat-settings.ts";
import { FakeChat } from "../fakes/fake-chat.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

type Step = "identify" | "ask" | "command";

let chat: FakeChat;
let connection: ChatConnection;
beforeEach(() => {
  chat = new FakeChat();
  const { pace, callsPerSecondMax } = chat.capabilities;
  connection = { sender: chat, budget: new EditBudget(new FakeClock(), pace, callsPerSecondMax) };
});

/** A program whose database makes one step wait too long. */
function programStuckAt(
  stuck: Step,
  error = new OutsideError("database", "overloaded"),
): HandleMessage {
  const at = async (step: Step) => {
    if (step === stuck) throw error;
  };
  const command = { isForAdmins: true, run: () => at("command").then(() => null) };
  const parts: Partial<HandleMessageParts> = {
    accounts: {
      identify: async () => {
        await at("identify");
        return { account: { id: "A", status: "active", locale: "zh", model: null } };
      },
    } as unknown as HandleMessageParts["accounts"],
    welcome: { grantTrial: async () => {} } as unknown as HandleMessageParts["welcome"],
    access: new AdminAccess([{ platform: "fake", id: "admins" }], []),
    commands: new CommandList([
      { ...command, name: "grant" },
      { ...command, name: "redeem", isForAdmins: false },
    ]),
    ask: { ask: () => at("ask") } as unknown as AskQuestion,
    models: { choose: () => testModel } as unknown as HandleMessageParts["models"],
    rateLimiter: { take: () => 0 },
    runtime: { isDraining: false } as HandleMessageParts["runtime"],
    settings: { ...defaultChatSettings, defaultLocale: "en" },
    metrics: { replyFinished: () => {}, replyDelivered: () => {}, messageReceived: () => {} },
    clock: new FakeClock(),
    log: new RecordedLog(),
  };
  return new HandleMessage(parts as HandleMessageParts);
}

function message(text: string, channel = "1"): IncomingMessage {
  return {
    id: "m1",
    address: { platform: "fake", bot: "bot", channel, thread: null },
    sender: { platformUserId: "7", displayName: "Ann", username: null, locale: "en" },
    text,
    isDirect: true,
    isEdit: false,
    quotedText: null,
    attachments: [],
    receivedAt: new Date(0),
  };
}

describe("When the database makes a person wait too long", () => {
  it.each([
    ["ask", "How are you?"],
    ["command", "/redeem DKAA"],
  ] as const)("they are told to try again in their language, once (%s)", async (step, text) => {
    await programStuckAt(step).handle(message(text), connection);
    expect(chat.messages).toEqual([expect.stringContaining("请稍后再试")]);
  });

  it("a person who cannot even be looked up is told in the language of their app", async () => {
    await programStuckAt("identify").handle(message("How are you?"), connection);
    expect(chat.messages).toEqual([expect.stringContaining("try again in a moment")]);
  });

  it("an admin command is left for another try: it takes several steps, once for its message", async () => {
    const handled = programStuckAt("command").handle(message("/grant A 5 x", "admins"), connection);
    await expect(handled).rejects.toMatchObject({ party: "database", kind: "overloaded" });
    expect(chat.messages).toEqual([]);
  });

  it.each([
    new OutsideError("database", "unreachable"),
    new OutsideError("telegram", "overloaded"),
  ])("any other failure is left for another try (%s)", async (error) => {
    const handled = programStuckAt("ask", error).handle(message("How are you?"), connection);
    await expect(handled).rejects.toBe(error);
    expect(chat.messages).toEqual([]);
  });
});
