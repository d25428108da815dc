import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  buttonId,
  type DiscordEvent,
  eventIdOf,
  readEvent,
} from "../../src/adapters/discord/discord-message.ts";
import { SavedEvent } from "../../src/adapters/discord/discord-payload.ts";
import { routeEvent } from "../../src/adapters/discord/discord-route.ts";

const now = new Date("2026-11-23T08:00:00Z");
const botId = "1100000000000000001";
const channel = "1400000000000000001";
const reply = "01939b5e-7c3a-7000-8000-0123456789ab";

function saved(kind: SavedEvent["kind"], name: string): SavedEvent {
  const file = new URL(`../fixtures/discord/${name}.json`, import.meta.url);
  return SavedEvent.parse({ kind, data: JSON.parse(readFileSync(file, "utf8")) });
}

function read(name: string, kind: SavedEvent["kind"] = "message"): DiscordEvent | null {
  const loadFile = async (url: string) => Buffer.from(url);
  return readEvent(saved(kind, name), { botId, now, loadFile });
}

function readMessage(name: string, kind: SavedEvent["kind"] = "message") {
  const event = read(name, kind);
  if (event === null || event.type === "press") throw new Error(`no message in ${name}`);
  return event.message;
}

describe("a direct message", () => {
  it("carries its text, its place and its sender", () => {
    expect(readMessage("direct-text")).toEqual({
      id: "1500000000000000101",
      address: { platform: "discord", bot: botId, channel: "1400000000000000009", thread: null },
      sender: {
        platformUserId: "1200000000000000001",
        displayName: "Ann Lee",
        username: "ann_lee",
        locale: null,
      },
      text: "什么是预付卡？",
      isDirect: true,
      isEdit: false,
      quotedText: null,
      attachments: [],
      receivedAt: now,
    });
  });

  it("is an edit when its words changed, and nothing when Discord added a preview", () => {
    expect(readMessage("direct-edited", "edit")).toMatchObject({
      id: "1500000000000000101",
      isEdit: true,
      text: "什么是预付费卡？",
    });
    expect(read("direct-link-preview", "edit")).toBeNull();
  });

  it("is another event each time it is edited", () => {
    expect(eventIdOf(saved("message", "direct-text"))).toBe("1500000000000000101");
    expect(eventIdOf(saved("edit", "direct-edited"))).toMatch(/^1500000000000000101:2026-11-20T09/);
  });

  it("brings its files, each of the kind we can use it as", async () => {
    const { attachments } = readMessage("direct-files");
    expect(attachments.map(({ kind, name, sizeBytes }) => [kind, name, sizeBytes])).toEqual([
      ["image", "cat.png", 52311],
      ["text", "notes.md", 812],
      ["other", "talk.ogg", 9000],
    ]);
    expect(attachments[1]?.mediaType).toBe("text/markdown");
    const [picture] = attachments;
    expect(Buffer.from((await picture?.load(52_311)) ?? []).toString()).toMatch(
      "https://cdn.discordapp.com/attachments/1/2/cat.png",
    );
    await expect(picture?.load(52_310)).rejects.toMatchObject({ code: "attachment_too_large" });
  });

  it("says that a sticker came, which nobody can answer", () => {
    expect(readMessage("direct-sticker")).toMatchObject({
      text: "",
      attachments: [{ kind: "other", name: "Wave" }],
    });
  });

  it("quotes what was forwarded", () => {
    expect(readMessage("direct-forwarded").quotedText).toBe("The shop opens at nine.");
  });
});

describe("a message in a server", () => {
  it("is nothing to us when nobody speaks to us", () => {
    expect(read("guild-talk")).toBeNull();
  });

  it("is ours when it mentions us, and is read without the mention", () => {
    expect(readMessage("guild-mention")).toMatchObject({
      text: "what is a prepaid card?",
      isDirect: false,
      address: { channel },
      sender: { displayName: "Annie" },
    });
    expect(readMessage("guild-mention-inside").text).toBe("hey translate this");
  });

  it("is ours when it replies to us, without quoting us to ourselves", () => {
    expect(readMessage("guild-reply-to-bot")).toMatchObject({
      text: "shorter please",
      quotedText: null,
    });
  });

  it("is left alone when it replies to us and we may not read it", () => {
    expect(read("guild-reply-to-bot-unreadable")).toBeNull();
  });

  it("carries what another person said", () => {
    expect(readMessage("guild-reply-to-person")).toMatchObject({
      text: "is that true?",
      quotedText: "Tea is older than coffee.",
    });
  });

  it("is nothing to us when a bot, a webhook or Discord itself wrote it", () => {
    expect(read("guild-from-bot")).toBeNull();
    expect(read("guild-from-webhook")).toBeNull();
    expect(read("guild-member-joined")).toBeNull();
  });

  it("is answered in the thread it was written in", () => {
    expect(readMessage("thread-mention").address).toMatchObject({
      channel: "1400000000000000077",
      thread: null,
    });
  });
});

describe("a slash command", () => {
  it("reads like the typed one", () => {
    expect(readMessage("slash-ask", "interaction")).toMatchObject({
      id: "1800000000000000001",
      text: "/ask what is a prepaid card?",
      isDirect: false,
      address: { channel, thread: null },
      sender: { platformUserId: "1200000000000000001", displayName: "Annie", locale: "zh-cn" },
    });
    expect(readMessage("slash-balance", "interaction").text).toBe("/balance");
  });

  it("is direct where nobody else is", () => {
    expect(readMessage("slash-redeem-direct", "interaction")).toMatchObject({
      text: "/redeem ABCD-EFGH-JKLM",
      isDirect: true,
      sender: { displayName: "Ann Lee" },
    });
  });

  it("is none when it comes from a context menu or is still being typed", () => {
    expect(read("menu-command", "interaction")).toBeNull();
    expect(read("autocomplete", "interaction")).toBeNull();
  });
});

describe("a press on a button", () => {
  it("names the action and the reply", () => {
    expect(read("button-stop", "interaction")).toMatchObject({
      type: "press",
      action: { action: "stop", replyId: reply, isDirect: false, address: { channel } },
    });
    expect(buttonId("stop", reply)).toBe(`stop:${reply}`);
  });

  it("is still answered when the button is none of ours", () => {
    expect(read("button-unknown", "interaction")).toMatchObject({ type: "press", action: null });
  });
});

describe("the order of events", () => {
  const route = (kind: SavedEvent["kind"], name: string) => routeEvent(saved(kind, name));

  it("is kept in each channel", () => {
    expect(route("message", "guild-mention")).toEqual({
      lane: channel,
      person: expect.stringMatching(/^\d+$/),
      overtakes: "nothing",
      batch: null,
    });
    expect(route("interaction", "slash-ask")).toMatchObject({
      lane: channel,
      person: expect.stringMatching(/^\d+$/),
      overtakes: "nothing",
    });
  });

  it("is left for commands, which overtake questions, and for buttons, which overtake everything", () => {
    expect(route("interaction", "slash-balance").overtakes).toBe("questions");
    expect(route("interaction", "button-stop").overtakes).toBe("everything");
    const typed = saved("message", "direct-text");
    const routeText = (content: string) =>
      routeEvent({ ...typed, data: { ...typed.data, content } }).overtakes;
    expect(routeText("/stop")).toBe("everything");
    expect(routeText(`<@${botId}> /balance`)).toBe("questions");
    expect(routeText(`<@${botId}> what is /balance?`)).toBe("nothing");
  });

  it("survives what is no event at all", () => {
    expect(routeEvent(null)).toEqual({ lane: "", person: "", overtakes: "nothing", batch: null });
  });
});
