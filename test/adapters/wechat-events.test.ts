import { afterEach, describe, expect, it } from "vitest";
import type { WechatAdapterOptions } from "../../src/adapters/wechat/wechat-adapter.ts";
import { ConnectedWechat, LabSource, until } from "../fakes/wechat/connected-wechat.ts";
import { BOT_ID, BOT_NAME } from "../fakes/wechat/lab-puppet.ts";

const ROOM = "room@chatroom";
const started: ConnectedWechat[] = [];

async function connect(options: Partial<WechatAdapterOptions> = {}) {
  const source = new LabSource();
  const wechat = new ConnectedWechat(source, options);
  started.push(wechat);
  await wechat.start();
  return { source, wechat, puppet: source.puppet };
}

afterEach(async () => {
  await Promise.all(started.splice(0).map(({ adapter }) => adapter.stop()));
});

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("what a person writes to the bot", () => {
  it("reaches the core with the person and the place", async () => {
    const { wechat, puppet } = await connect();
    expect(wechat.adapter.problem).toBeNull();
    const id = puppet.hear({ from: "zhang", text: " 你好 " });
    expect(await wechat.nextMessage()).toMatchObject({
      id,
      address: { platform: "wechat", bot: "main", channel: "zhang", thread: null },
      sender: { platformUserId: "zhang", displayName: "张三", username: null, locale: "zh" },
      text: "你好",
      isDirect: true,
      isEdit: false,
      quotedText: null,
      attachments: [],
    });
  });

  it("is kept before it is handled and forgotten after, and confirmed to the source", async () => {
    const { source, wechat, puppet } = await connect();
    const id = puppet.hear({ from: "zhang", text: "hello" });
    await wechat.nextMessage();
    await until(() => wechat.inbox.events[0]?.isHandled === true);
    expect(wechat.inbox.events).toMatchObject([{ eventId: `lab:message:${id}`, payload: null }]);
    expect(source.confirmed).toEqual([id]);
  });

  it("is handled once when it comes twice", async () => {
    const { wechat, puppet } = await connect();
    const id = puppet.hear({ from: "zhang", text: "one" });
    puppet.hear({ from: "zhang", text: "one", id });
    puppet.hear({ from: "zhang", text: "two" });
    await until(() => wechat.messages.some(({ text }) => text === "two"));
    expect(wechat.messages.map(({ text }) => text)).toEqual(["one", "two"]);
  });

  it("keeps its order", async () => {
    const { wechat, puppet } = await connect();
    const texts = Array.from({ length: 30 }, (_, index) => `message ${index}`);
    for (const text of texts) puppet.hear({ from: "zhang", text });
    await until(() => wechat.messages.length === texts.length);
    expect(wechat.messages.map(({ text }) => text)).toEqual(texts);
  });

  it("is tried again when the core fails, and ends neither the bot nor the process", async () => {
    const { wechat, puppet } = await connect();
    wechat.handlers.failure = new Error("database is away");
    puppet.hear({ from: "zhang", text: "hello" });
    expect(await wechat.nextMessage()).toMatchObject({ text: "hello" });
  });

  it("shows what it answers, unless that is ours", async () => {
    const { wechat, puppet } = await connect();
    const line = "- - - - - - - - - - - - - - -";
    puppet.hear({ from: "zhang", text: `「李四：天很蓝」\n${line}\n为什么？` });
    puppet.hear({ from: "zhang", text: `「${BOT_NAME}：因为…」\n${line}\n还有呢？` });
    expect(await wechat.nextMessage()).toMatchObject({ text: "为什么？", quotedText: "天很蓝" });
    expect(await wechat.nextMessage()).toMatchObject({ text: "还有呢？", quotedText: null });
  });
});

describe("what the bot does not listen to", () => {
  it("is its own messages, recalled ones, official accounts and WeChat itself", async () => {
    const { source, wechat, puppet } = await connect();
    puppet.addPerson("gh_news", "News", { type: 2 });
    puppet.addPerson("weixin", "WeChat Team");
    const own = puppet.hear({ from: BOT_ID, text: "I wrote this" });
    await puppet.messageRecall(own);
    const dropped = [
      puppet.hear({ from: "zhang", type: "Recalled", text: "some id" }),
      puppet.hear({ from: "zhang", type: "Unknown", text: "你已添加了张三" }),
      puppet.hear({ from: "gh_news", text: "buy now" }),
      puppet.hear({ from: "weixin", text: "welcome" }),
    ];
    puppet.hear({ from: "zhang", text: "last" });
    expect(await wechat.nextMessage()).toMatchObject({ text: "last" });
    expect(wechat.inbox.events).toHaveLength(1);
    // The source need not bring them again either.
    expect(source.confirmed).toEqual(expect.arrayContaining([own, ...dropped]));
  });
});

describe("what is written in a group", () => {
  it("reaches the core only when it mentions the bot, without the mention", async () => {
    const { wechat, puppet } = await connect();
    puppet.hear({ from: "zhang", room: ROOM, text: "lunch?" });
    puppet.hear({ from: "zhang", room: ROOM, text: "@Li lunch?", mentions: ["li"] });
    const text = `@${BOT_NAME}\u2005ask @Li\u2005about lunch`;
    const id = puppet.hear({ from: "zhang", room: ROOM, text, mentions: [BOT_ID, "li"] });
    expect(await wechat.nextMessage()).toMatchObject({
      id,
      address: { channel: ROOM },
      sender: { platformUserId: "zhang" },
      text: "ask @Li\u2005about lunch",
      isDirect: false,
    });
    expect(wechat.inbox.events).toHaveLength(1);
  });

  it("counts as a mention also when the host has no list of those who were mentioned", async () => {
    const { wechat, puppet } = await connect();
    puppet.hear({ from: "li", room: ROOM, text: `@${BOT_NAME}2 hi`, mentions: [] });
    puppet.hear({ from: "li", room: ROOM, text: `hi @${BOT_NAME}`, mentions: [] });
    expect(await wechat.nextMessage()).toMatchObject({ text: "hi", isDirect: false });
  });

  it("is nothing to us when it is a picture or a red envelope", async () => {
    const { wechat, puppet } = await connect();
    const file = { name: "a.png", base64: base64("png") };
    puppet.hear({ from: "li", room: ROOM, type: "Image", file });
    puppet.hear({ from: "li", room: ROOM, type: "RedEnvelope" });
    puppet.hear({ from: "li", text: "last" });
    expect(await wechat.nextMessage()).toMatchObject({ text: "last" });
    expect(puppet.sent).toEqual([]);
  });
});

describe("files", () => {
  it("are pictures with a type by their name", async () => {
    const { wechat, puppet } = await connect();
    const file = { name: "cat.png", base64: base64("not really a picture") };
    puppet.hear({ from: "zhang", type: "Image", file });
    puppet.hear({ from: "zhang", type: "Image" });
    const [picture] = (await wechat.nextMessage()).attachments;
    expect(picture).toMatchObject({ kind: "image", name: "cat.png", mediaType: "image/png" });
    expect(Buffer.from((await picture?.load(1_000)) ?? []).toString()).toBe("not really a picture");
    expect((await wechat.nextMessage()).attachments).toMatchObject([
      { kind: "image", mediaType: "image/jpeg" },
    ]);
  });

  it("are texts when their name says so, and loaded only up to the limit", async () => {
    const { wechat, puppet } = await connect();
    const file = { name: "notes.md", base64: base64("0123456789") };
    puppet.hear({ from: "zhang", type: "Attachment", file });
    const [text] = (await wechat.nextMessage()).attachments;
    expect(text).toMatchObject({ kind: "text", name: "notes.md" });
    expect(await text?.load(10)).toHaveLength(10);
    await expect(text?.load(9)).rejects.toMatchObject({ code: "attachment_too_large" });
  });

  it("are named when they cannot be used", async () => {
    const { wechat, puppet } = await connect();
    puppet.hear({ from: "zhang", type: "Attachment", file: { name: "a.zip", base64: "AA==" } });
    puppet.hear({ from: "zhang", type: "Audio" });
    puppet.hear({ from: "zhang", type: "Location" });
    expect((await wechat.nextMessage()).attachments).toMatchObject([{ kind: "other" }]);
    const [voice] = (await wechat.nextMessage()).attachments;
    expect(voice).toMatchObject({ kind: "other", name: "Audio" });
    await expect(voice?.load(1)).rejects.toMatchObject({ kind: "rejected" });
    expect((await wechat.nextMessage()).attachments).toMatchObject([{ name: "Location" }]);
  });

  it("are refused when the puppet has forgotten them", async () => {
    const { wechat, puppet } = await connect();
    const file = { name: "a.txt", base64: base64("a") };
    const id = puppet.hear({ from: "zhang", type: "Attachment", file });
    const [text] = (await wechat.nextMessage()).attachments;
    puppet.mocker.cacheFileBoxPayload.delete(id);
    await expect(text?.load(10)).rejects.toMatchObject({ name: "OutsideError" });
  });
});

describe("money", () => {
  it.each(["Transfer", "RedEnvelope"] as const)("is answered when it is a %s", async (type) => {
    const { wechat, puppet } = await connect();
    puppet.hear({ from: "zhang", type, text: "<xml/>" });
    await until(() => puppet.sent.length === 1);
    expect(puppet.sent[0]).toMatchObject({ to: "zhang", text: /recharge card/ });
    expect(wechat.messages).toEqual([]);
  });
});

describe("friend requests and invitations", () => {
  it("are accepted, and a new friend is welcomed", async () => {
    const { wechat, puppet } = await connect();
    puppet.askForFriendship("f1", "zhang", "");
    expect(await wechat.nextMessage()).toMatchObject({
      id: "friend:f1-confirmed",
      address: { channel: "zhang" },
      text: "/start",
      isDirect: true,
    });
    expect(puppet.accepted).toEqual(["f1"]);
  });

  it("need the word where there is one", async () => {
    const { wechat, puppet } = await connect({ friends: { word: "点卡" } });
    puppet.askForFriendship("f1", "li", "hi");
    puppet.askForFriendship("f2", "zhang", "我要点卡");
    await wechat.nextMessage();
    expect(puppet.accepted).toEqual(["f2"]);
  });

  it("are left alone where nobody wants friends", async () => {
    const { wechat, puppet } = await connect({ friends: "none" });
    puppet.askForFriendship("f1", "li", "hi");
    puppet.hear({ from: "zhang", text: "last" });
    await wechat.nextMessage();
    expect(puppet.accepted).toEqual([]);
  });

  it("lead into groups only where that is wanted", async () => {
    const wary = await connect();
    wary.puppet.invite("i1", "zhang");
    wary.puppet.hear({ from: "zhang", text: "last" });
    await wary.wechat.nextMessage();
    expect(wary.puppet.accepted).toEqual([]);

    const open = await connect({ acceptsRoomInvitations: true });
    open.puppet.invite("i1", "zhang");
    await until(() => open.puppet.accepted.length === 1);
    expect(open.puppet.accepted).toEqual(["i1"]);
  });
});
