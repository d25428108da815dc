import { describe, expect, it } from "vitest";
import { presentReply } from "../../src/core/reply-presentation.ts";
import type { Reply } from "../../src/core/reply-store.ts";
import { textsFor } from "../../src/core/texts/locales.ts";

const at = new Date("2026-11-23T12:00:00Z");
const reply: Reply = {
  id: "018f0000-0000-7000-8000-000000000001",
  accountId: "A",
  conversationId: "018f0000-0000-7000-8000-000000000002",
  questionTurnId: 1n,
  address: { platform: "fake", bot: "1", channel: "1", thread: null },
  isDirect: true,
  messageId: "1",
  locale: "en",
  state: "answered",
  modelAsked: "m_1",
  modelAnswered: null,
  holdId: "018f0000-0000-7000-8000-000000000003",
  unit: "message",
  heldAmount: 1n,
  inputTokensMax: 10,
  outputTokensMax: 100,
  price: {
    input: 1n,
    cachedInput: 1n,
    output: 1n,
    messageCost: 1n,
    creditMax: 1n,
    creditMin: 1n,
  },
  inputTokens: 10,
  cachedTokens: 0,
  outputTokens: 5,
  charge: 1n,
  freeReason: null,
  failure: null,
  text: "Fine.",
  receipt: null,
  isStopRequested: false,
  attempts: 1,
  receivedAt: at,
  waitedMs: 0,
  releasedAt: at,
  releasedMs: 0,
  startedAt: at,
  answeredAt: at,
  deliveredAt: null,
};

function shown(changes: Partial<Reply>, messagesLeft = 4n) {
  return presentReply(
    { ...reply, ...changes },
    {
      texts: textsFor("en"),
      account: null,
      balance: {
        lots: [],
        available: { credit: 0n, message: messagesLeft },
        held: { credit: 0n, message: 0n },
      },
      currency: "USD",
      showReceipt: true,
    },
  );
}

describe("presentReply", () => {
  it("ends the answer with its receipt, names escaped", () => {
    expect(shown({}).text).toBe("Fine.\n\n— m\\_1 · 10 + 5 tokens · 1 message · left: 4 messages");
  });

  it.each(["```js\nlet a = 1;", "````md\n```\nx\n```", "~~~\ncode\n"])(
    "closes the code block that %j left open, so that the receipt is no code",
    (text) => {
      const marker = /^(`{3,}|~{3,})/.exec(text)?.[0];
      const lines = shown({ text, state: "stopped" }).text.split("\n");
      const closed = lines.lastIndexOf(marker ?? "");
      expect(closed).toBeGreaterThan(0);
      expect(lines.findIndex((line) => line.includes("Stopped"))).toBeGreaterThan(closed);
    },
  );

  it("leaves a closed code block as it is", () => {
    const text = "```js\nlet a = 1;\n```";
    expect(shown({ text }).text.startsWith(`${text}\n\n— `)).toBe(true);
  });

  it("goes on with the receipt a parked answer had, whatever is left by now", () => {
    const first = shown({});
    expect(shown({ receipt: first.receipt }, 1n).text).toBe(first.text);
    expect(shown({ receipt: "" }).text).toBe("Fine.");
  });

  it("shows no receipt where nothing was answered", () => {
    const failed = shown({
      state: "failed",
      text: "",
      failure: "upstream_unavailable",
      charge: 0n,
    });
    expect(failed.receipt).toBe("");
    expect(failed.text).not.toContain("left:");
    expect(failed.text).not.toBe("");
  });
});
