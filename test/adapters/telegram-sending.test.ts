import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ConnectedTelegram, outgoing } from "../fakes/telegram/connected-telegram.ts";
import type { ShownMessage } from "../fakes/telegram/shown-message.ts";

const replyId = "01939b5e-7c3a-7000-8000-0123456789ab";
let telegram: ConnectedTelegram;
let nextPerson = 1_000;
/** A person who has started the bot, new in every test. */
let person: number;

beforeAll(async () => {
  telegram = await ConnectedTelegram.create();
});
afterAll(async () => {
  await telegram[Symbol.asyncDispose]();
});
beforeEach(() => {
  nextPerson += 1;
  person = nextPerson;
  telegram.server.user(person).writes("/start");
  telegram.server.calls.length = 0;
  telegram.server.state.settings.richMessages = true;
});

const shown = (chat = person): ShownMessage[] =>
  telegram.server.messages(chat).filter(({ isBot }) => isBot);
const methods = () => telegram.server.calls.map(({ method, code }) => `${method} ${code}`);

describe("sending plain text", () => {
  it("shows it as it is, without a link preview", async () => {
    const text = "1 * 2 * 3 _x_ <b> https://example.com";
    const sent = await telegram.adapter.send(telegram.address(person), outgoing(text));
    expect(shown()).toMatchObject([{ text, entities: [], isRich: false, buttons: [] }]);
    expect(sent).toEqual({ address: telegram.address(person), id: String(shown()[0]?.id) });
    expect(telegram.server.calls).toMatchObject([
      { method: "sendMessage", parameters: { link_preview_options: { is_disabled: true } } },
    ]);
  });

  it("answers the person's message, or stands alone when that is gone", async () => {
    const question = telegram.server.user(person).writes("why?");
    const to = telegram.address(person);
    await telegram.adapter.send(to, outgoing("because", { replyTo: String(question) }));
    await telegram.adapter.send(to, outgoing("anyway", { replyTo: "99999" }));
    expect(shown().map(({ replyTo }) => replyTo)).toEqual([question, null]);
  });

  it("shows buttons that the core understands", async () => {
    const buttons = [
      { action: "stop", replyId, label: "停止" },
      { action: "retry", replyId, label: "Again" },
    ] as const;
    await telegram.adapter.send(telegram.address(person), outgoing("…", { buttons }));
    expect(shown()[0]?.buttons).toEqual([
      { label: "停止", data: `stop:${replyId}` },
      { label: "Again", data: `retry:${replyId}` },
    ]);
  });

  it("sends 4096 characters whole and cuts one more, never inside an emoji", async () => {
    const to = telegram.address(person);
    await telegram.adapter.send(to, outgoing("x".repeat(4_096)));
    await telegram.adapter.send(to, outgoing("x".repeat(4_097)));
    await telegram.adapter.send(to, outgoing(`${"x".repeat(4_094)}😀y`));
    const texts = shown().map(({ text }) => text);
    expect(texts).toEqual(["x".repeat(4_096), `${"x".repeat(4_095)}…`, `${"x".repeat(4_094)}…`]);
  });

  it("sends half an emoji as a replacement character instead of failing", async () => {
    await telegram.adapter.send(telegram.address(person), outgoing("cut \ud83d"));
    expect(shown()[0]?.text).toBe("cut \ufffd");
  });

  it("writes into a topic", async () => {
    const group = telegram.server.group(-100_200_1, { isForum: true, topics: new Set([7]) });
    await telegram.adapter.send(telegram.address(group.id, 7), outgoing("here"));
    expect(shown(group.id)).toMatchObject([{ thread: 7 }]);
  });

  it("writes into the chat when its topic is gone", async () => {
    const group = telegram.server.group(-100_200_2, { isForum: true });
    const sent = await telegram.adapter.send(telegram.address(group.id, 7), outgoing("here"));
    expect(shown(group.id)).toMatchObject([{ thread: null, text: "here" }]);
    expect(sent.address).toEqual(telegram.address(group.id));
  });
});

describe("sending Markdown", () => {
  const markdown = "# Title\n\n**b** <b>x</b> | `c`";

  it("goes out as a rich message where Telegram knows them", async () => {
    await telegram.adapter.send(
      telegram.address(person),
      outgoing(markdown, { format: "markdown" }),
    );
    expect(shown()).toMatchObject([{ isRich: true, text: "# Title\n\n**b** \\<b>x\\</b> | `c`" }]);
    expect(methods()).toEqual(["sendRichMessage 200"]);
  });

  it("goes out with entities where Telegram does not, and asks only once", async () => {
    await using old = await ConnectedTelegram.create({
      serverOptions: { settings: { richMessages: false } },
    });
    old.server.user(person).writes("/start");
    const to = old.address(person);
    const sent = await old.adapter.send(to, outgoing(markdown, { format: "markdown" }));
    await old.adapter.edit(sent, outgoing("**c**", { format: "markdown" }));
    await old.adapter.send(to, outgoing("**d**", { format: "markdown" }));
    expect(old.server.messages(person).slice(1)).toMatchObject([
      { text: "c", entities: [{ type: "bold" }], edits: 1 },
      { text: "d", entities: [{ type: "bold" }] },
    ]);
    expect(old.server.calls.map(({ method }) => method)).toEqual([
      "sendRichMessage",
      "sendMessage",
      "editMessageText",
      "sendMessage",
    ]);
  });

  it("finds out by an edit too that Telegram knows no rich messages", async () => {
    await using old = await ConnectedTelegram.create({
      serverOptions: { settings: { richMessages: false } },
    });
    old.server.user(person).writes("/start");
    const sent = await old.adapter.send(old.address(person), outgoing("…"));
    await old.adapter.edit(sent, outgoing("**c**", { format: "markdown" }));
    await old.adapter.edit(sent, outgoing("**d**", { format: "markdown" }));
    expect(old.server.messages(person).at(-1)).toMatchObject({ text: "d", isRich: false });
    expect(old.server.callsOf("editMessageText").map(({ code }) => code)).toEqual([400, 200, 200]);
  });

  it("falls back to entities, then to plain text, when Telegram refuses the content", async () => {
    const to = telegram.address(person);
    const refusal = { code: 400, description: "Bad Request: can't parse entities: odd" };
    telegram.server.fail("sendRichMessage", refusal, 2);
    await telegram.adapter.send(to, outgoing("**a**", { format: "markdown" }));
    telegram.server.fail("sendMessage", refusal);
    await telegram.adapter.send(to, outgoing("**b**", { format: "markdown" }));
    expect(shown()).toMatchObject([
      { text: "a", entities: [{ type: "bold" }] },
      { text: "b", entities: [] },
    ]);
    await telegram.adapter.send(to, outgoing("**c**", { format: "markdown" }));
    expect(shown().at(-1)).toMatchObject({ isRich: true });
  });

  it("shows the source where the formatted text is too long or nothing is left of it", async () => {
    await using old = await ConnectedTelegram.create({
      serverOptions: { settings: { richMessages: false } },
    });
    old.server.user(person).writes("/start");
    const to = old.address(person);
    const wide = `| ${"x".repeat(900)} |\n|---|\n${"| y |\n".repeat(5)}`;
    await old.adapter.send(to, outgoing(wide, { format: "markdown" }));
    await old.adapter.send(to, outgoing("[x]: http://a.b", { format: "markdown" }));
    const long = "*a* ".repeat(1_500);
    await old.adapter.send(to, outgoing(long, { format: "markdown" }));
    const texts = old.server.messages(person).filter(({ isBot }) => isBot);
    expect(texts.map(({ text }) => text.length)).toEqual([expect.any(Number), 15, 2_999]);
    expect(texts[1]?.text).toBe("[x]: http://a.b");
  });
});

describe("editing", () => {
  it("replaces text and buttons", async () => {
    const buttons = [{ action: "stop", replyId, label: "Stop" }] as const;
    const sent = await telegram.adapter.send(telegram.address(person), outgoing("…", { buttons }));
    await telegram.adapter.edit(sent, outgoing("Half", { buttons }));
    expect(shown()).toMatchObject([{ text: "Half", buttons: [{ label: "Stop" }], edits: 1 }]);
    await telegram.adapter.edit(sent, outgoing("**Whole**", { format: "markdown" }));
    expect(shown()).toMatchObject([{ text: "**Whole**", isRich: true, buttons: [], edits: 2 }]);
  });

  it("succeeds when nothing changes", async () => {
    const sent = await telegram.adapter.send(telegram.address(person), outgoing("same"));
    await telegram.adapter.edit(sent, outgoing("same"));
    expect(methods()).toEqual(["sendMessage 200", "editMessageText 400"]);
  });
});

describe("other calls", () => {
  it("sends a text file with its caption, and lets people keep it", async () => {
    const file = { name: "cards new/2026 批.txt", content: "AAAA\nBBBB\n多\n", caption: "2 cards" };
    const sent = await telegram.adapter.sendFile(telegram.address(person), file);
    expect(shown()).toMatchObject([
      {
        id: Number(sent.id),
        text: "2 cards",
        document: { name: "cards_new_2026_.txt", content: file.content },
      },
    ]);
    expect(telegram.server.calls).toMatchObject([{ parameters: { protect_content: "false" } }]);
  });

  it("cuts a caption after 1024 characters and leaves an empty one out", async () => {
    const to = telegram.address(person);
    const content = "x";
    await telegram.adapter.sendFile(to, { name: "a.txt", content, caption: "c".repeat(1_024) });
    await telegram.adapter.sendFile(to, { name: "a.txt", content, caption: "c".repeat(1_025) });
    await telegram.adapter.sendFile(to, { name: "a.txt", content, caption: "" });
    const captions = shown().map(({ text }) => text);
    expect(captions).toEqual(["c".repeat(1_024), `${"c".repeat(1_023)}…`, ""]);
  });

  it("shows that it is typing, in the topic where it was asked", async () => {
    const group = telegram.server.group(-100_200_3, { isForum: true, topics: new Set([7]) });
    await telegram.adapter.showTyping(telegram.address(group.id, 7));
    expect(telegram.server.state.chatActions).toMatchObject([
      { chatId: group.id, action: "typing" },
    ]);
    expect(telegram.server.calls).toMatchObject([{ parameters: { message_thread_id: 7 } }]);
  });

  it("deletes a person's message where it may, and says where it may not", async () => {
    const code = telegram.server.user(person).writes("/redeem ABCD");
    expect(await telegram.adapter.deleteMessage(telegram.address(person), String(code))).toBe(true);
    expect(telegram.server.messages(person).map(({ id }) => id)).not.toContain(code);

    const group = telegram.server.group(-100_200_4);
    const inGroup = telegram.server.user(person).writes("/redeem ABCD", { chat: group.id });
    const address = telegram.address(group.id);
    expect(await telegram.adapter.deleteMessage(address, String(inGroup))).toBe(false);
    group.botStatus = "administrator";
    expect(await telegram.adapter.deleteMessage(address, String(inGroup))).toBe(true);
    expect(await telegram.adapter.deleteMessage(address, String(inGroup))).toBe(true);
  });

  it("reaches a person alone under their own id", async () => {
    const sender = { platformUserId: "77", displayName: "A", username: null, locale: null };
    expect(await telegram.adapter.openDirectChat(sender)).toEqual(telegram.address(77));
  });
});
