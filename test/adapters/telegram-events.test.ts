import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ConnectedTelegram, outgoing } from "../fakes/telegram/connected-telegram.ts";

const replyId = "01939b5e-7c3a-7000-8000-0123456789ab";
const buttons = [{ action: "stop", replyId, label: "Stop" }] as const;

let telegram: ConnectedTelegram;
let person = 3_000;
let group: number;

beforeAll(async () => {
  telegram = await ConnectedTelegram.start();
});
afterAll(async () => {
  await telegram[Symbol.asyncDispose]();
});
beforeEach(() => {
  person += 1;
  group = -100_400_000 - person;
  telegram.server.group(group);
  telegram.core.messages.length = 0;
  telegram.core.actions.length = 0;
  telegram.core.notice = null;
});

const ann = () => telegram.server.user(person);
const heard = (count: number) =>
  telegram.server.waitFor(() => telegram.core.messages.length >= count);

async function messageWithButton(chat = person): Promise<number> {
  ann().writes("/start", { chat });
  await heard(1);
  const { id } = await telegram.adapter.send(telegram.address(chat), outgoing("…", { buttons }));
  return Number(id);
}

describe("a button press", () => {
  it("is brought to the core, and shows the person what the core answers", async () => {
    telegram.core.notice = "已停止";
    const press = ann().presses(await messageWithButton(group), "Stop", { chat: group });
    expect(await press.answered).toBe("已停止");
    expect(telegram.core.actions).toMatchObject([
      {
        action: "stop",
        replyId,
        isDirect: false,
        address: { channel: String(group) },
        sender: { platformUserId: String(person) },
      },
    ]);
  });

  it("is answered when the core has nothing to say", async () => {
    const press = ann().presses(await messageWithButton(), "Stop");
    expect(await press.answered).toBeNull();
  });

  it("is answered with at most 200 characters", async () => {
    telegram.core.notice = "x".repeat(201);
    const press = ann().presses(await messageWithButton(), "Stop");
    expect(await press.answered).toBe(`${"x".repeat(199)}…`);
  });

  it("is answered at once when the core fails, even if it goes on failing", async () => {
    const message = await messageWithButton();
    telegram.core.failures.push(...Array.from({ length: 5 }, () => new Error("no database")));
    expect(await ann().presses(message, "Stop").answered).toBeNull();
    await telegram.server.waitFor(() => telegram.core.actions.length === 5);
    expect(telegram.core.failures).toEqual([]);
  });

  it("is answered when the button is not one of ours", async () => {
    const message = await messageWithButton();
    const [, sent] = telegram.server.state.world.chat(person).messages;
    if (sent !== undefined) sent.buttons = [[{ text: "Old", callback_data: "menu_17" }]];
    expect(await ann().presses(message, "Old").answered).toBeNull();
    expect(telegram.core.actions).toEqual([]);
  });
});

describe("what goes first", () => {
  it("is a command: it does not wait for the message before it", async () => {
    const { core } = telegram;
    const { promise: isHeld, resolve: release } = Promise.withResolvers<void>();
    const onMessage = core.onMessage.bind(core);
    core.onMessage = async (message) => {
      await onMessage(message);
      if (message.text === "slow") await isHeld;
    };
    ann().writes("slow");
    ann().writes("after it");
    ann().writes("/stop");
    await telegram.server.waitFor(() => core.texts.includes("/stop"));
    expect(core.texts.toSorted()).toEqual(["/stop", "slow"]);
    release();
    await telegram.server.waitFor(() => core.texts.includes("after it"));
    core.onMessage = onMessage;
  });
});

describe("groups", () => {
  it("brings what is meant for the bot, without its name, and nothing else", async () => {
    const chat = group;
    ann().writes("hello everybody", { chat });
    ann().writes("@Dianka_bot what is this?", { chat });
    ann().writes("/balance@dianka_bot", { chat });
    ann().writes("/start@other_bot", { chat });
    const { id } = await telegram.adapter.send(telegram.address(chat), outgoing("an answer"));
    ann().writes("and why?", { chat, replyTo: Number(id) });
    await heard(3);
    expect(telegram.core.texts.toSorted()).toEqual(["/balance", "and why?", "what is this?"]);
    expect(telegram.core.messages.every(({ isDirect }) => !isDirect)).toBe(true);
  });

  it("ignores talk of others even where Telegram shows it to the bot", async () => {
    telegram.server.state.world.chat(group).botStatus = "administrator";
    ann().writes("hello everybody", { chat: group });
    ann().writes("@dianka_bot hi", { chat: group });
    await heard(1);
    expect(telegram.core.texts).toEqual(["hi"]);
  });

  it("keeps the topics of a forum apart", async () => {
    telegram.server.group(group, { isForum: true });
    ann().writes("/new", { chat: group, thread: 5 });
    await heard(1);
    expect(telegram.core.messages).toMatchObject([{ address: { thread: "5" } }]);
  });

  it("tells the core when a group gets a new id", async () => {
    const id = -3_900 - person;
    telegram.server.group(id, { type: "group" });
    telegram.server.upgradeGroup(id);
    await telegram.server.waitFor(() => telegram.core.moves.length >= 2);
    expect(telegram.core.moves).toContainEqual({ from: String(id), to: `-100${-id}` });
  });
});

describe("edits", () => {
  it("come with the number of the message they change", async () => {
    const id = ann().writes("frist");
    ann().edits(id, "first");
    await heard(2);
    expect(telegram.core.messages).toMatchObject([
      { id: String(id), text: "frist", isEdit: false },
      { id: String(id), text: "first", isEdit: true },
    ]);
  });
});

describe("files", () => {
  const load = async (sizeBytesMax: number) => {
    const [attachment] = telegram.core.messages[0]?.attachments ?? [];
    return await attachment?.load(sizeBytesMax);
  };

  it("brings the pictures of an album as one message", async () => {
    ann().sendsAlbum([Buffer.from("one"), Buffer.from("two"), Buffer.from("three")], "compare");
    await heard(1);
    const [message] = telegram.core.messages;
    expect(message).toMatchObject({ text: "compare" });
    const contents = await Promise.all(
      (message?.attachments ?? []).map((attachment) => attachment.load(100)),
    );
    expect(contents.map((content) => Buffer.from(content).toString())).toEqual([
      "one",
      "two",
      "three",
    ]);
  });

  it("brings an album in a group when its caption names the bot", async () => {
    const photos = [Buffer.from("one"), Buffer.from("two")];
    telegram.server.state.world.chat(group).botStatus = "administrator";
    ann().sendsAlbum(photos, "not for the bot", { chat: group });
    ann().sendsAlbum(photos, "@dianka_bot compare", { chat: group });
    await heard(1);
    expect(telegram.core.messages).toMatchObject([{ text: "compare" }]);
    expect(telegram.core.messages[0]?.attachments).toHaveLength(2);
  });

  it("loads a file that is exactly as long as allowed, and refuses one byte more", async () => {
    // Telegram may leave the size out, so the limit has to hold while the bytes arrive.
    ann().sendsDocument({ name: "notes.md", content: "x".repeat(1_000) });
    await heard(1);
    const [message] = telegram.core.messages;
    expect(message?.attachments).toMatchObject([{ kind: "text", name: "notes.md" }]);
    expect(await load(1_000)).toHaveLength(1_000);
    await expect(load(999)).rejects.toMatchObject({ code: "attachment_too_large" });
  });

  it("stops loading a file that is longer than Telegram said", async () => {
    ann().sendsDocument({ name: "notes.md", content: "short" });
    await heard(1);
    const { files } = telegram.server.state;
    const [id, file] = [...files].at(-1) ?? [];
    if (id !== undefined && file !== undefined) {
      files.set(id, { ...file, content: Buffer.alloc(5_000_000) });
    }
    await expect(load(1_000)).rejects.toMatchObject({ code: "attachment_too_large" });
  });

  it("refuses a file that is too big for Telegram's bots", async () => {
    ann().sendsDocument({ name: "notes.md", content: Buffer.alloc(20_000_001, "x") });
    await heard(1);
    await expect(load(50_000_000)).rejects.toMatchObject({ code: "attachment_too_large" });
    telegram.core.messages.length = 0;
    ann().sendsDocument({ name: "notes.md", content: "x" });
    await heard(1);
    telegram.server.fail("getFile", { code: 400, description: "Bad Request: file is too big" });
    await expect(load(50_000_000)).rejects.toMatchObject({ code: "attachment_too_large" });
  });

  it("fails as an outside error when Telegram has lost the file", async () => {
    ann().sendsDocument({ name: "notes.md", content: "short" });
    await heard(1);
    telegram.server.state.files.clear();
    await expect(load(1_000)).rejects.toMatchObject({ name: "OutsideError", kind: "rejected" });
  });

  it("names media that cannot be used, so that the person can be told", async () => {
    ann().sendsMedia("voice", { content: "ogg", mediaType: "audio/ogg" });
    await heard(1);
    expect(telegram.core.messages).toMatchObject([
      { text: "", attachments: [{ kind: "other", mediaType: "audio/ogg" }] },
    ]);
  });
});
