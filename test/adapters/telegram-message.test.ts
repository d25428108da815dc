import { describe, expect, it } from "vitest";
import {
  buttonData,
  parseUpdates,
  type TelegramEvent,
} from "../../src/adapters/telegram/telegram-message.ts";
import { fixture } from "../fakes/telegram/fixture.ts";

const now = new Date("2026-11-23T08:00:00Z");
const reply = "01939b5e-7c3a-7000-8000-0123456789ab";

function parse(...names: string[]): TelegramEvent | null {
  return parseUpdates(
    names.map((name) => fixture(name)),
    {
      botId: "7000001",
      botUsername: "dianka_bot",
      now,
      loadFile: async (fileId) => Buffer.from(fileId),
    },
  );
}

function parseMessage(...names: string[]) {
  const event = parse(...names);
  if (event?.type !== "message") throw new Error(`no message: ${JSON.stringify(event)}`);
  return event.message;
}

describe("a private message", () => {
  it("carries its text, its place and its sender", () => {
    expect(parseMessage("private-text")).toEqual({
      id: "101",
      address: { platform: "telegram", bot: "7000001", channel: "512034501", thread: null },
      sender: {
        platformUserId: "512034501",
        displayName: "Ann Lee",
        username: "ann_lee",
        locale: "zh-hans",
      },
      text: "什么是预付卡？",
      isDirect: true,
      isEdit: false,
      quotedText: null,
      attachments: [],
      receivedAt: now,
    });
  });

  it("keeps a command and what follows it", () => {
    expect(parseMessage("private-command").text).toBe("/redeem ABCD-EFGH-JKLM");
    expect(parseMessage("private-start-with-referral").text).toBe("/start ref_7K3M9QX2DA");
  });

  it("is an edit when an earlier message changed, with that message's id", () => {
    expect(parseMessage("private-edited")).toMatchObject({
      id: "101",
      isEdit: true,
      text: "什么是预付费卡？",
    });
  });

  it("knows the topic it was written in", () => {
    expect(parseMessage("private-topic").address.thread).toBe("77");
  });

  it("carries the part of a message that was quoted", () => {
    expect(parseMessage("private-reply-with-quote").quotedText).toBe("tea and coffee");
  });

  it("does not quote the bot to itself", () => {
    expect(parseMessage("private-reply-to-bot")).toMatchObject({
      text: "shorter please",
      quotedText: null,
    });
  });

  it("is nothing when a live location moves", () => {
    expect(parse("private-live-location-edited")).toBeNull();
  });
});

describe("a message with a file", () => {
  const attachment = (...names: string[]) => parseMessage(...names).attachments[0];

  it("has a photo with its caption as text", async () => {
    expect(parseMessage("private-photo").text).toBe("what is this?");
    expect(attachment("private-photo")).toMatchObject({
      kind: "image",
      mediaType: "image/jpeg",
      sizeBytes: 172_034,
    });
  });

  it.each([
    [172_034, "AgACAgIAAxkBAAIY"],
    [172_033, "AgACAgIAAxkBAAIX"],
    [1_320, "AgACAgIAAxkBAAIS"],
  ])("loads the largest size of a photo that fits %i bytes", async (sizeBytesMax, fileId) => {
    const bytes = await attachment("private-photo")?.load(sizeBytesMax);
    expect(Buffer.from(bytes ?? []).toString()).toBe(fileId);
  });

  it("refuses a photo of which no size fits", async () => {
    await expect(attachment("private-photo")?.load(1_319)).rejects.toMatchObject({
      code: "attachment_too_large",
    });
  });

  it("refuses a document that is larger than allowed, and loads one that just fits", async () => {
    const document = attachment("private-document-code");
    await expect(document?.load(2_047)).rejects.toMatchObject({ code: "attachment_too_large" });
    await expect(document?.load(2_048)).resolves.toBeDefined();
  });

  it.each([
    ["private-document-code", "text", "main.rs", "application/octet-stream"],
    ["private-document-image", "image", "scan.png", "image/png"],
    ["private-document-pdf", "other", "paper.pdf", "application/pdf"],
    ["private-voice", "other", "voice", "audio/ogg"],
    ["private-sticker", "other", "sticker", "application/octet-stream"],
    ["private-animation", "other", "cat.mp4", "video/mp4"],
    ["private-location", "other", "location", "application/octet-stream"],
  ])("%s is of kind %s", (name, kind, fileName, mediaType) => {
    expect(parseMessage(name).attachments).toMatchObject([{ kind, name: fileName, mediaType }]);
  });

  it("cannot load what is no file", async () => {
    await expect(attachment("private-location")?.load(1)).rejects.toMatchObject({
      kind: "rejected",
    });
  });

  it("is one message with all pictures of an album", () => {
    const message = parseMessage("private-album-1", "private-album-2");
    expect(message).toMatchObject({ id: "107", text: "compare these" });
    expect(message.attachments.map(({ sizeBytes }) => sizeBytes)).toEqual([150_000, 151_000]);
  });
});

describe("a message in a group", () => {
  it.each([
    "group-talk",
    "group-other-mention",
    "group-command-to-other",
    "forum-first-message-in-our-topic",
    "group-anonymous-admin",
    "group-from-channel",
    "group-from-bot",
    "group-member-joined",
    "bot-added-to-group",
  ])("is nothing to us: %s", (name) => {
    expect(parse(name)).toBeNull();
  });

  it.each([
    ["group-mention", "what is 😀 ?"],
    ["group-text-mention", "hey are you there"],
    ["group-command", "/balance"],
    ["group-command-to-us", "/model gpt-5-mini"],
    ["group-reply-to-bot", "and why?"],
    ["group-reply-to-person", "do you?"],
    ["supergroup-thread-of-replies", "thanks"],
  ])("is meant for us: %s, without our name", (name, text) => {
    expect(parseMessage(name)).toMatchObject({ text, isDirect: false });
  });

  it("carries the text of the person it replies to", () => {
    expect(parseMessage("group-reply-to-person").quotedText).toBe("Who knows Rust?");
  });

  it("has a thread in a forum, and none where replies merely form one", () => {
    expect(parseMessage("forum-topic").address).toMatchObject({
      channel: "-1002098765432",
      thread: "12",
    });
    expect(parseMessage("supergroup-thread-of-replies").address.thread).toBeNull();
  });

  it("tells the new id of a group that moved, from both sides", () => {
    const moved = {
      type: "moved",
      from: { platform: "telegram", bot: "7000001", channel: "-4512345678", thread: null },
      to: { platform: "telegram", bot: "7000001", channel: "-1002055555555", thread: null },
    };
    expect(parse("group-migrated-to")).toEqual(moved);
    expect(parse("group-migrated-from")).toEqual(moved);
  });
});

describe("other events", () => {
  it("reads a press on one of our buttons", () => {
    expect(parse("button-stop")).toMatchObject({
      type: "press",
      pressId: "2199170143220021234",
      action: {
        id: "2199170143220021234",
        address: { channel: "-4512345678" },
        sender: { platformUserId: "512034502", displayName: "Bob", username: null },
        isDirect: false,
        action: "stop",
        replyId: reply,
      },
    });
  });

  it("reads a press under a message that Telegram no longer shows us", () => {
    expect(parse("button-under-old-message")).toMatchObject({
      action: { action: "retry", isDirect: true },
    });
  });

  it("knows a press on a button that is not ours, so that it can be answered", () => {
    expect(parse("button-unknown")).toEqual({
      type: "press",
      pressId: "2199170143220021236",
      action: null,
    });
  });

  it("makes button data of at most 64 bytes", () => {
    expect(buttonData("retry", reply)).toBe(`retry:${reply}`);
    expect(Buffer.byteLength(buttonData("retry", reply))).toBeLessThanOrEqual(64);
  });

  it("tells who blocked and who unblocked the bot", () => {
    const userId = "512034501";
    expect(parse("bot-blocked")).toEqual({ type: "reachable", userId, isReachable: false });
    expect(parse("bot-unblocked")).toEqual({ type: "reachable", userId, isReachable: true });
  });

  it("refuses what is no update", () => {
    const context = { botId: "1", botUsername: "b", now, loadFile: async () => Buffer.from("") };
    expect(() => parseUpdates([{ update_id: 1, message: { text: 5 } }], context)).toThrow();
    expect(() => parseUpdates(["nonsense"], context)).toThrow();
  });
});
