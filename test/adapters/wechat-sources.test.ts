import { afterEach, describe, expect, it } from "vitest";
import type { BotSeat } from "../../src/adapters/wechat/bot-source.ts";
import { MockBotSource } from "../../src/adapters/wechat/mock-bot-source.ts";
import { UnofficialBotSource } from "../../src/adapters/wechat/unofficial-bot-source.ts";
import { MemoryInbox } from "../fakes/memory-inbox.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";
import { ConnectedWechat, chat, LabSource, until } from "../fakes/wechat/connected-wechat.ts";

const started: ConnectedWechat[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map(({ adapter }) => adapter.stop()));
});

describe("the source for development", () => {
  it("logs a bot in to which nobody writes", async () => {
    const wechat = new ConnectedWechat(new MockBotSource());
    started.push(wechat);
    await wechat.start();
    expect(wechat.adapter).toMatchObject({ problem: null, isWaitingForLogin: false });
  });
});

describe("the source of clients that WeChat does not allow", () => {
  function create(options: { readonly puppet?: string; readonly acceptsAccountRisk?: boolean }) {
    const log = new RecordedLog();
    const source = new UnofficialBotSource({
      puppet: "wechaty-puppet-wechat4u",
      sessionFile: "/nowhere/session",
      acceptsAccountRisk: true,
      log,
      ...options,
    });
    const seats: BotSeat[] = [];
    const handlers = {
      onSeat: (seat: BotSeat) => seats.push(seat),
      onSeatGone: async () => {},
      onLoginCode: async () => {},
    };
    return { source, log, seats, handlers };
  }

  it("starts nothing unless somebody has accepted the risk", async () => {
    const { source, log, seats, handlers } = create({ acceptsAccountRisk: false });
    await source.start(handlers);
    expect(source.problem).toMatch(/can cost the account/);
    expect(seats).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  it("says what is at stake when it starts", async () => {
    const { source, log, seats, handlers } = create({});
    await source.start(handlers);
    expect(source.problem).toBeNull();
    expect(log.lines).toMatchObject([{ level: "warn", sentence: /closed for good/ }]);
    expect(seats).toMatchObject([{ personId: null, sessionFile: "/nowhere/session" }]);
    // It is only made here: its start would call WeChat.
    const puppet = await seats[0]?.createPuppet();
    expect(puppet?.name()).toContain("wechat4u");
  });

  it("says when the package is missing, or no puppet at all", async () => {
    const { source, seats, log, handlers } = create({ puppet: "wechaty-puppet-nobody-made" });
    await source.start(handlers);
    expect(source.problem).toBe("WeChat: wechaty-puppet-nobody-made is not installed");
    expect({ seats, lines: log.lines }).toEqual({ seats: [], lines: [] });
    expect(create({ puppet: "node:fs" }).source.problem).toMatch(/not the name/);
    expect(create({ puppet: "../wechaty-puppet-x" }).source.problem).toMatch(/not the name/);
  });
});

describe("a restart", () => {
  it("goes on with what was heard and not handled", async () => {
    const inbox = new MemoryInbox();
    const event = { seat: "lab", id: "m1", receivedAt: "2026-01-01T00:00:00.000Z" };
    const person = { personId: "zhang", personName: "张三" };
    const file = { kind: "file", name: "a.txt" };
    const content = { roomId: null, text: "hello", quotedText: null, file };
    const message = { kind: "message", ...event, ...person, ...content };
    await inbox.save("wechat", "main", [
      { eventId: "lab:message:m1", payload: message },
      { eventId: "nonsense", payload: { kind: "from another version" } },
    ]);
    const source = new LabSource();
    const wechat = new ConnectedWechat(source, { inbox });
    started.push(wechat);
    await wechat.start();
    const { text, address, attachments } = await wechat.nextMessage();
    expect({ text, address }).toEqual({ text: "hello", address: chat("zhang") });
    // The puppet is a new one and does not have the file any more.
    await expect(attachments[0]?.load(10)).rejects.toMatchObject({ kind: "rejected" });
    await until(() => inbox.events.every(({ isHandled }) => isHandled));
  });

  it("saves what is heard while the program stops", async () => {
    const inbox = new MemoryInbox();
    const source = new LabSource();
    const wechat = new ConnectedWechat(source, { inbox });
    started.push(wechat);
    await wechat.start();
    await wechat.adapter.stopListening();
    source.puppet.hear({ from: "zhang", text: "one more" });
    await until(() => inbox.events.length === 1);
    await wechat.adapter.stop();
    expect(inbox.events).toMatchObject([{ isHandled: false, payload: { text: "one more" } }]);
    expect(wechat.messages).toEqual([]);
  });

  it("starts also when the database is away at first", async () => {
    const inbox = new MemoryInbox();
    const listUnhandled = inbox.listUnhandled.bind(inbox);
    let tries = 0;
    inbox.listUnhandled = async (...key) => {
      tries += 1;
      if (tries === 1) throw new Error("database is away");
      return await listUnhandled(...key);
    };
    const source = new LabSource();
    const wechat = new ConnectedWechat(source, { inbox });
    started.push(wechat);
    await wechat.start();
    expect(wechat.adapter.problem).toMatch(/cannot be read from the database/);
    await until(() => wechat.adapter.problem === null);
    source.puppet.hear({ from: "zhang", text: "hello" });
    expect(await wechat.nextMessage()).toMatchObject({ text: "hello" });
  });

  it("loses nothing while the database is away", async () => {
    const inbox = new MemoryInbox();
    const save = inbox.save.bind(inbox);
    let tries = 0;
    inbox.save = async (...events) => {
      tries += 1;
      if (tries === 1) throw new Error("database is away");
      return await save(...events);
    };
    const source = new LabSource();
    const wechat = new ConnectedWechat(source, { inbox });
    started.push(wechat);
    await wechat.start();
    const ids = ["one", "two"].map((text) => source.puppet.hear({ from: "zhang", text }));
    await until(() => wechat.adapter.problem !== null);
    expect(source.confirmed).toEqual([]);
    await until(() => wechat.messages.length === 2);
    expect(wechat.messages.map(({ text }) => text)).toEqual(["one", "two"]);
    expect(source.confirmed).toEqual(ids);
    expect(wechat.adapter.problem).toBeNull();
  });
});
