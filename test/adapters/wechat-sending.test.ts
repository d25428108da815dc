import { afterEach, describe, expect, it } from "vitest";
import type { BotSeat } from "../../src/adapters/wechat/bot-source.ts";
import type { ChatCapabilities, OutgoingMessage } from "../../src/core/chat/chat-adapter.ts";
import { ConnectedWechat, chat, LabSource, until } from "../fakes/wechat/connected-wechat.ts";
import { BOT_ID, BOT_NAME } from "../fakes/wechat/lab-puppet.ts";

const ROOM = "room@chatroom";
const started: ConnectedWechat[] = [];

async function connect(
  seats: readonly Partial<BotSeat>[] = [{}],
  capabilities: Partial<ChatCapabilities> = {},
) {
  const source = new LabSource(seats, capabilities);
  const wechat = new ConnectedWechat(source);
  started.push(wechat);
  await wechat.start();
  return {
    source,
    wechat,
    adapter: wechat.adapter,
    get puppet() {
      return source.puppet;
    },
  };
}

afterEach(async () => {
  await Promise.all(started.splice(0).map(({ adapter }) => adapter.stop()));
});

function markdown(text: string, replyTo: string | null = null): OutgoingMessage {
  return { text, format: "markdown", buttons: [], replyTo };
}

const person = (platformUserId: string) => ({
  platformUserId,
  displayName: "",
  username: null,
  locale: null,
});

describe("sending", () => {
  it("shows an answer without marks and tells its id", async () => {
    const { adapter, puppet } = await connect();
    const sent = await adapter.send(chat("zhang"), markdown("**Yes**, use `git`."));
    expect(puppet.sent).toMatchObject([{ id: sent.id, to: "zhang", text: "Yes, use git." }]);
    expect(sent.address).toEqual(chat("zhang"));
  });

  it("leaves a plain text alone", async () => {
    const { adapter, puppet } = await connect();
    await adapter.send(chat("zhang"), { ...markdown("2 ** 3"), format: "plain" });
    expect(puppet.sent[0]?.text).toBe("2 ** 3");
  });

  it("does not hear itself", async () => {
    const { wechat, adapter, puppet } = await connect();
    await adapter.send(chat("zhang"), markdown("hello"));
    puppet.hear({ from: "zhang", text: "last" });
    await wechat.nextMessage();
    expect(wechat.inbox.events).toHaveLength(1);
  });

  it("names the person in a group, and nobody in private", async () => {
    const { wechat, adapter, puppet } = await connect();
    const text = `@${BOT_NAME}\u2005hi`;
    const asked = puppet.hear({ from: "zhang", room: ROOM, text, mentions: [BOT_ID] });
    const direct = puppet.hear({ from: "zhang", text: "hi" });
    await until(() => wechat.messages.length === 2);
    await adapter.send(chat(ROOM), markdown("Hello!", asked));
    await adapter.send(chat(ROOM), markdown("For everybody."));
    await adapter.send(chat(ROOM), markdown("Late.", "forgotten"));
    await adapter.send(chat("zhang"), markdown("Hello!", direct));
    expect(puppet.sent).toMatchObject([
      { to: ROOM, text: "@张三\u2005Hello!", mentions: ["zhang"] },
      { to: ROOM, text: "For everybody.", mentions: [] },
      { to: ROOM, text: "Late.", mentions: [] },
      { to: "zhang", text: "Hello!", mentions: [] },
    ]);
  });

  it("never exceeds the limits of the carrier for a name or for what is drawn", async () => {
    const limits = { textLengthMax: 20, textBytesMax: 24 };
    const { wechat, adapter, puppet } = await connect([{}], limits);
    const text = `@${BOT_NAME}\u2005hi`;
    const asked = puppet.hear({ from: "zhang", room: ROOM, text, mentions: [BOT_ID] });
    await wechat.nextMessage();
    // The name takes 10 bytes: with 14 more it is full.
    await adapter.send(chat(ROOM), markdown("12345678901234", asked));
    await adapter.send(chat(ROOM), markdown("123456789012345", asked));
    // Six bytes for the brackets of a heading instead of two for its mark.
    await adapter.send(chat("zhang"), markdown("# 12345678901234567"));
    await adapter.send(chat("zhang"), markdown("# 123456789012345678"));
    expect(puppet.sent.map((message) => message.text)).toEqual([
      "@张三\u200512345678901234",
      "123456789012345",
      "【12345678901234567】",
      "【123456789012345678】",
    ]);
  });

  it("sends a file with its caption as a text file", async () => {
    const { adapter, puppet } = await connect();
    const file = { name: "codes march", content: "AAAA-BBBB\n", caption: "10 cards" };
    await adapter.sendFile(chat("zhang"), file);
    await adapter.sendFile(chat("zhang"), { ...file, name: "a.txt", caption: "" });
    expect(puppet.sent).toMatchObject([
      { text: "10 cards", file: null },
      { file: { name: "codes_march.txt", content: "AAAA-BBBB\n" } },
      { file: { name: "a.txt" } },
    ]);
  });

  it("neither edits nor takes back", async () => {
    const { adapter } = await connect();
    await expect(adapter.edit()).rejects.toMatchObject({ kind: "rejected" });
    expect(await adapter.deleteMessage()).toBe(false);
  });
});

describe("what goes wrong while sending", () => {
  it.each([
    [Object.assign(new Error("no"), { code: "window_closed" }), "window_closed"],
    [Object.assign(new Error("14 UNAVAILABLE"), { code: 14 }), "unreachable"],
    [Object.assign(new Error("slow down"), { code: 8 }), "rate_limited"],
    [new Error("you are not a friend of this contact"), "chat_gone"],
    [new Error("操作过于频繁"), "rate_limited"],
    [new Error("sending a link is not supported"), "rejected"],
    [new Error("something broke"), "overloaded"],
  ])("is told to the core: %s", async (failure, kind) => {
    const { adapter, puppet } = await connect();
    puppet.failure = failure;
    await expect(adapter.send(chat("zhang"), markdown("hi"))).rejects.toMatchObject({
      name: "OutsideError",
      party: "wechat",
      kind,
    });
    await adapter.send(chat("zhang"), markdown("hi"));
    expect(puppet.sent).toHaveLength(1);
  });

  it("is worth another try while the account is logged out", async () => {
    const { adapter, puppet } = await connect();
    await puppet.logout("kicked out");
    await until(() => puppet.isLoggedIn === false);
    await expect(adapter.send(chat("zhang"), markdown("hi"))).rejects.toMatchObject({
      kind: "unreachable",
      retryable: true,
    });
  });
});

describe("several logins", () => {
  const seats = [
    { name: "a", personId: "zhang", sendsLeft: async () => 7, showTyping: async () => {} },
    { name: "b", personId: "li", sendsLeft: async () => 0 },
  ];

  it("send through the login of the person, and to nobody without one", async () => {
    const { source, adapter } = await connect(seats);
    const [first, second] = source.puppets;
    await adapter.send(chat("li"), markdown("to Li"));
    await adapter.send(chat("zhang"), markdown("to Zhang"));
    expect(first?.sent.map(({ text }) => text)).toEqual(["to Zhang"]);
    expect(second?.sent.map(({ text }) => text)).toEqual(["to Li"]);
    await expect(adapter.send(chat("wang"), markdown("hi"))).rejects.toMatchObject({
      kind: "chat_gone",
    });
  });

  it("count their sends each for itself, where the carrier counts", async () => {
    const counting = await connect(seats, { sendsPerMessageMax: 9 });
    expect(await counting.adapter.sendsLeft?.(chat("zhang"))).toBe(7);
    expect(await counting.adapter.sendsLeft?.(chat("li"))).toBe(0);
    const free = await connect(seats);
    expect(free.adapter.sendsLeft).toBeUndefined();
  });

  it("come and go while the program runs", async () => {
    const { source, wechat, adapter } = await connect([]);
    source.handlers?.onSeat(source.seat({ name: "a", personId: "zhang" }));
    await until(() => source.puppets[0]?.isLoggedIn === true);
    source.puppet.hear({ from: "zhang", text: "hello" });
    await wechat.nextMessage();
    await adapter.send(chat("zhang"), markdown("hello"));
    await source.handlers?.onSeatGone("a");
    expect(source.puppet.isLoggedIn).toBe(false);
    await expect(adapter.send(chat("zhang"), markdown("hi"))).rejects.toMatchObject({
      kind: "chat_gone",
    });
  });

  it("are replaced when the same person signs in anew", async () => {
    const { source, adapter } = await connect([{ name: "a", personId: "zhang" }]);
    source.handlers?.onSeat(source.seat({ name: "a", personId: "zhang" }));
    await until(() => source.puppets[1]?.isLoggedIn === true);
    expect(source.puppets[0]?.isLoggedIn).toBe(false);
    await until(() => adapter.problem === null);
    await adapter.send(chat("zhang"), markdown("hi"));
    expect(source.puppets[1]?.sent).toHaveLength(1);
  });
});

describe("a private chat", () => {
  it("is opened only with friends of the account", async () => {
    const { adapter, puppet } = await connect();
    puppet.addPerson("stranger", "Stranger", { friend: false });
    expect(await adapter.openDirectChat(person("zhang"))).toEqual(chat("zhang"));
    expect(await adapter.openDirectChat(person("stranger"))).toBeNull();
  });

  it("is opened with the person of a login", async () => {
    const { adapter } = await connect([{ name: "a", personId: "zhang" }]);
    expect(await adapter.openDirectChat(person("zhang"))).toEqual(chat("zhang"));
    await expect(adapter.openDirectChat(person("li"))).rejects.toMatchObject({ kind: "chat_gone" });
  });
});
