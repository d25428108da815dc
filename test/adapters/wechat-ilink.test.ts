import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IlinkBotSource } from "../../src/adapters/wechat/ilink/ilink-bot-source.ts";
import { chat, until } from "../fakes/wechat/connected-wechat.ts";
import { IlinkWorld, RecordedSeats } from "../fakes/wechat/ilink-world.ts";

let world: IlinkWorld;

beforeEach(async () => {
  world = await IlinkWorld.start();
});

afterEach(async () => {
  await world.stop();
});

const say = (text: string) => ({ text, format: "plain", buttons: [], replyTo: null }) as const;

describe("WeChat through iLink", () => {
  it("brings a person from the code on the screen to the answer on the phone", async () => {
    const wechat = await world.connect();
    expect(wechat.adapter.isWaitingForLogin).toBe(true);
    const code = await world.code();
    await until(() => wechat.handlers.loginCodes.length === 1);
    expect(wechat.handlers.loginCodes).toEqual([{ page: "/wechat", code: code.content }]);

    const zhang = await world.signIn("zhang");
    const id = world.server.write(zhang, "今天天气怎么样？");
    const message = await wechat.nextMessage();
    expect(message).toMatchObject({
      text: "今天天气怎么样？",
      isDirect: true,
      address: chat("zhang@im.wechat"),
      sender: { platformUserId: "zhang@im.wechat" },
    });
    expect(message.id).toContain(id);

    await wechat.adapter.showTyping(message.address);
    const sent = await wechat.adapter.send(message.address, say("晴，25 度。"));
    expect(zhang.texts).toEqual(["晴，25 度。"]);
    expect(zhang.typing).toBe(1);
    expect(sent.id).toBe(zhang.screen[0]?.id);
    expect(await wechat.adapter.sendsLeft?.(message.address)).toBe(8);
    expect(wechat.adapter.problem).toBeNull();
    expect(wechat.adapter.isWaitingForLogin).toBe(false);
    expect(world.server.faults).toEqual([]);
  });

  it("knows people, their place and their budget after a restart", async () => {
    const before = await world.connect();
    const zhang = await world.signIn("zhang");
    world.server.write(zhang, "one");
    const { address } = await before.nextMessage();
    await before.adapter.send(address, say("1"));
    await before.adapter.send(address, say("2"));
    await before.end();
    world.server.write(zhang, "two");
    world.server.write(zhang, "three");

    const after = await world.connect();
    await world.polled(zhang);
    expect((await after.nextMessage()).text).toBe("two");
    expect((await after.nextMessage()).text).toBe("three");
    expect(await after.adapter.sendsLeft?.(address)).toBe(9);
    await after.adapter.send(address, say("3"));
    await after.end();

    const last = await world.connect();
    await world.polled(zhang);
    expect(await last.adapter.sendsLeft?.(address)).toBe(8);
    expect(last.messages).toEqual([]);
    expect(world.server.codes).toHaveLength(1);
    expect(world.server.rewindsOf(zhang)).toBe(0);
    expect(world.server.faults).toEqual([]);
  });

  it("asks for a new scan when the token is stale, and knows the person again", async () => {
    const wechat = await world.connect();
    const zhang = await world.signIn("zhang");
    world.server.write(zhang, "before");
    const first = await wechat.nextMessage();

    world.server.expireToken(zhang);
    await until(() => wechat.handlers.loginCodes.length === 2);
    expect(wechat.adapter.isWaitingForLogin).toBe(true);
    await until(() => world.source.isWaitingForLogin);
    const closed = { kind: "window_closed" };
    await expect(wechat.adapter.send(first.address, say("lost?"))).rejects.toMatchObject(closed);
    await expect(wechat.adapter.showTyping(first.address)).rejects.toMatchObject(closed);
    expect(await wechat.adapter.sendsLeft?.(first.address)).toBe(0);

    await world.signIn("zhang");
    expect(await wechat.adapter.sendsLeft?.(first.address)).toBe(0);
    world.server.write(zhang, "after");
    const second = await wechat.nextMessage();
    expect(second.sender.platformUserId).toBe(first.sender.platformUserId);
    expect(second.address).toEqual(first.address);
    await wechat.adapter.send(second.address, say("welcome back"));
    expect(zhang.texts).toEqual(["welcome back"]);
    expect(world.server.faults).toEqual([]);
  });

  it("still waits after a restart for who was signed out, and for nobody it never knew", async () => {
    const before = await world.connect();
    const zhang = await world.signIn("zhang");
    world.server.write(zhang, "before");
    const { address } = await before.nextMessage();
    world.server.expireToken(zhang);
    await until(() => before.handlers.loginCodes.length === 2);
    await before.end();

    const { adapter } = await world.connect();
    await expect(adapter.send(address, say("lost?"))).rejects.toMatchObject({
      kind: "window_closed",
    });
    expect(await adapter.sendsLeft?.(address)).toBe(0);
    const stranger = chat("stranger@im.wechat");
    const gone = { kind: "chat_gone" };
    await expect(adapter.send(stranger, say("hi"))).rejects.toMatchObject(gone);
    await expect(adapter.sendsLeft?.(stranger)).rejects.toMatchObject(gone);
  });

  it("parks what a stale token refuses, as for a person who has to write first", async () => {
    const wechat = await world.connect();
    const zhang = await world.signIn("zhang");
    world.server.write(zhang, "hello");
    const { address } = await wechat.nextMessage();
    world.server.failNext("sendmessage", { ret: -14 });
    await expect(wechat.adapter.send(address, say("hi"))).rejects.toMatchObject({
      kind: "window_closed",
    });
    await until(() => wechat.handlers.loginCodes.length === 2);
  });

  it("serves two people at once, each with an own bot and an own budget", async () => {
    const wechat = await world.connect();
    const zhang = await world.signIn("zhang");
    const page = await openPage(world.source);
    const li = await world.signIn("li");
    expect(page.status).toBe(200);
    world.server.write(zhang, "from zhang");
    world.server.write(li, "from li");
    const messages = [await wechat.nextMessage(), await wechat.nextMessage()];
    for (const { address, text } of messages) {
      await wechat.adapter.send(address, say(`answer to ${text.replace("from ", "")}`));
    }
    await wechat.adapter.send(chat(li.id), say("more for li"));
    expect(zhang.texts).toEqual(["answer to zhang"]);
    expect(li.texts).toEqual(["answer to li", "more for li"]);
    expect(await wechat.adapter.sendsLeft?.(chat(zhang.id))).toBe(8);
    expect(await wechat.adapter.sendsLeft?.(chat(li.id))).toBe(7);
    expect(world.server.faults).toEqual([]);
  });

  it("keeps apart messages whose ids no double can tell apart", async () => {
    const wechat = await world.connect();
    const zhang = await world.signIn("zhang");
    const ids = ["18446744073709551614", "18446744073709551615"];
    for (const id of ids) world.server.deliver(zhang, [text(id)], { message_id: id });
    const messages = [await wechat.nextMessage(), await wechat.nextMessage()];
    expect(messages.map((message) => message.text)).toEqual(ids);
    expect(messages.map(({ id }) => id)).toEqual(ids.map((id) => expect.stringContaining(id)));
  });

  it("hears a message that comes twice once, and it gives no new budget", async () => {
    const wechat = await world.connect();
    const zhang = await world.signIn("zhang");
    const id = world.server.write(zhang, "once");
    const { address } = await wechat.nextMessage();
    await wechat.adapter.send(address, say("answer"));
    world.server.deliver(zhang, [text("once")], { message_id: id });
    world.server.write(zhang, "");
    await until(() => wechat.messages.length === 2);
    expect(wechat.messages.map((message) => message.text)).toEqual(["once", ""]);
  });

  it("goes on by itself when the network was away, and counts nothing that never went out", async () => {
    const wechat = await world.connect();
    const zhang = await world.signIn("zhang");
    world.server.write(zhang, "hello");
    const { address } = await wechat.nextMessage();
    await world.server.cut();
    await until(() => wechat.adapter.problem !== null);
    expect(wechat.adapter.problem).toContain("iLink");
    await expect(wechat.adapter.send(address, say("hi"))).rejects.toMatchObject({
      kind: "unreachable",
    });
    expect(await wechat.adapter.sendsLeft?.(address)).toBe(9);

    await world.server.restore();
    await world.polled(zhang);
    expect(wechat.adapter.problem).toBeNull();
    world.server.write(zhang, "still there?");
    expect((await wechat.nextMessage()).text).toBe("still there?");
    await wechat.adapter.send(address, say("yes"));
    expect(zhang.texts).toEqual(["yes"]);
    expect(world.server.codes).toHaveLength(1);
  });

  it("reads pictures, files, quotations and what was spoken", async () => {
    const wechat = await world.connect();
    const zhang = await world.signIn("zhang");
    const png = Buffer.from("89504e470d0a1a0a0102", "hex");
    world.server.sendImage(zhang, png);
    world.server.sendFile(zhang, "notes.md", Buffer.from("# 笔记"));
    world.server.deliver(zhang, [{ type: 3, voice_item: { text: "说的话" } }]);
    world.server.deliver(zhang, [{ type: 5, video_item: {} }]);
    const quote = { message_item: { type: 1, text_item: { text: "the old\nwords" } } };
    world.server.deliver(zhang, [{ ...text("what about this?"), ref_msg: quote }]);
    world.server.deliver(zhang, [text("two"), text("parts")]);

    const image = (await wechat.nextMessage()).attachments[0];
    expect(image).toMatchObject({ kind: "image" });
    expect(Buffer.from((await image?.load(1_000)) ?? [])).toEqual(png);
    await expect(image?.load(9)).rejects.toMatchObject({ code: "attachment_too_large" });
    const file = (await wechat.nextMessage()).attachments[0];
    expect(file).toMatchObject({ kind: "text", name: "notes.md" });
    expect(Buffer.from((await file?.load(1_000)) ?? []).toString()).toBe("# 笔记");
    expect((await wechat.nextMessage()).text).toBe("说的话");
    expect((await wechat.nextMessage()).attachments[0]).toMatchObject({ kind: "other" });
    expect(await wechat.nextMessage()).toMatchObject({
      text: "what about this?",
      quotedText: "the old\nwords",
    });
    expect((await wechat.nextMessage()).text).toBe("two");
    expect((await wechat.nextMessage()).text).toBe("parts");
  });

  it("finds a file again that came before a restart", async () => {
    const wechat = await world.connect();
    const zhang = await world.signIn("zhang");
    const id = world.server.sendFile(zhang, "notes.txt", Buffer.from("kept"));
    await wechat.nextMessage();
    await wechat.end();
    const seats = new RecordedSeats();
    await world.startSource(seats);
    const puppet = await seats.seats.get(zhang.id)?.createPuppet();
    const box = await puppet?.messageFile(id);
    expect((await box?.toBuffer())?.toString()).toBe("kept");
  });

  it("sends a file as a file", async () => {
    const wechat = await world.connect();
    const zhang = await world.signIn("zhang");
    world.server.write(zhang, "/cards");
    const { address } = await wechat.nextMessage();
    const content = "CODE-1\n编号-2\n";
    const file = { name: "cards.txt", content, caption: "2 cards" };
    await wechat.adapter.sendFile(address, file);
    expect(zhang.texts).toEqual(["2 cards", ""]);
    expect(wechat.adapter.sendsForFile?.(file)).toBe(2);
    expect(zhang.screen[1]?.file).toEqual({ name: "cards.txt", content: Buffer.from(content) });
    expect(await wechat.adapter.sendsLeft?.(address)).toBe(7);
    expect(world.server.faults).toEqual([]);
  });

  it("takes no message from anybody but the person who scanned", async () => {
    const wechat = await world.connect();
    const zhang = await world.signIn("zhang");
    world.server.deliver(zhang, [text("stranger")], { from_user_id: "eve@im.wechat" });
    world.server.deliver(zhang, [text("group")], { group_id: "g1" });
    world.server.deliver(zhang, [text("our own")], { message_type: 2 });
    world.server.deliver(zhang, [text("no type at all")], { message_type: null });
    world.server.write(zhang, "me");
    expect((await wechat.nextMessage()).text).toBe("me");
    expect(wechat.messages).toHaveLength(1);
  });

  it("writes no token, id of a login or text of a person to the log", async () => {
    const wechat = await world.connect();
    const zhang = await world.signIn("zhang");
    world.server.write(zhang, "a very private question");
    const { address } = await wechat.nextMessage();
    world.server.failNext("sendmessage", { ret: -1 });
    await expect(wechat.adapter.send(address, say("a private answer"))).rejects.toThrow();
    await world.server.cut();
    await until(() => wechat.adapter.problem !== null);
    const lines = inspect([...world.log.lines, ...wechat.log.lines], { depth: 20 });
    expect(lines).not.toMatch(/private|-bot@im\.bot:|Bearer/);
    expect(lines).not.toContain(world.server.codes[0]?.id);
    const remembered = [...(await world.memory.list(""))].map(([, value]) => value).join();
    expect(remembered).not.toMatch(/-bot@im\.bot:/);
  });
});

const text = (words: string) => ({ type: 1, text_item: { text: words } });

async function openPage(source: IlinkBotSource): Promise<Response> {
  const route = source.routes.find(({ path }) => path === "/wechat");
  const connection = { remoteAddress: "127.0.0.1", closing: new AbortController().signal };
  const response = await route?.handle(new Request("http://localhost/wechat"), connection);
  return response ?? Response.error();
}
