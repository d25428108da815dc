import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ConnectedDiscord, DiscordWorld, outgoing } from "../fakes/discord/connected-discord.ts";
import { DiscordFailure } from "../fakes/discord/discord-failure.ts";
import { MemoryInbox } from "../fakes/memory-inbox.ts";

const MINUTE_MS = 60_000;
const ONLY_FOR_YOU = 64;

let world: DiscordWorld;

beforeAll(async () => {
  world = await DiscordWorld.start();
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 8_000, interval: 20 });

describe("an interaction", () => {
  it("is acknowledged at once, however slow the database is", async () => {
    const inbox = new MemoryInbox();
    let release = () => {};
    const isFree = new Promise<void>((resolve) => {
      release = resolve;
    });
    const save = inbox.save.bind(inbox);
    inbox.save = async (...event) => {
      await isFree;
      return await save(...event);
    };
    await using discord = await ConnectedDiscord.start(world, { inbox });
    const id = await world.command("/help");
    await until(() => expect(world.callbacksOf(id)[0]?.status).toBe(204));
    expect(discord.core.messages).toEqual([]);
    release();
    await until(() => expect(discord.core.texts).toEqual(["/help"]));
  });

  it("is answered once when it is delivered twice", async () => {
    await using discord = await ConnectedDiscord.start(world);
    discord.core.answer = async (message) => {
      await discord.adapter.send(message.address, outgoing("hi", { replyTo: message.id }));
    };
    const broadcasts: [string, unknown][] = [];
    const { gateway } = world;
    const broadcast = gateway.broadcast.bind(gateway);
    gateway.broadcast = (event, data) => {
      broadcasts.push([event, data]);
      broadcast(event, data);
    };
    const id = await world.command("/help");
    gateway.broadcast = broadcast;
    const [event, data] = broadcasts[0] ?? ["", null];
    broadcast(event, data);
    await until(() => expect(world.webhookCallsOf(id)).toHaveLength(1));
    await discord.adapter.stopListening();
    expect(discord.core.texts).toEqual(["/help"]);
    expect(world.callbacksOf(id)).toHaveLength(1);
    expect(world.webhookCallsOf(id)).toHaveLength(1);
  });

  it("in a direct chat takes the first message sent there", async () => {
    await using discord = await ConnectedDiscord.start(world);
    const id = await world.command("/ask hi", { isDirect: true });
    await until(() => expect(discord.core.messages).toHaveLength(1));
    const [message] = discord.core.messages;
    expect(message).toMatchObject({ isDirect: true, sender: { locale: "zh-cn" } });
    await until(() => expect(world.callbacksOf(id)[0]?.body).toEqual({ type: 5 }));
    const sent = await discord.adapter.send(message?.address ?? fail(), outgoing("10 credits"));
    expect(world.webhookCallsOf(id)[0]).toMatchObject({ method: "PATCH", answer: { id: sent.id } });
    const before = world.sends().length;
    await discord.adapter.send(sent.address, outgoing("and more"));
    expect(world.sends()).toHaveLength(before + 1);
  });

  it("is acknowledged at the second try when the first did not get through", async () => {
    await using discord = await ConnectedDiscord.start(world);
    world.front.failNext("POST", /^\/interactions\//, "cut");
    const id = await world.command("/ask hi");
    await until(() => expect(world.callbacksOf(id).map(({ status }) => status)).toEqual([0, 204]));
    expect(discord.core.texts).toEqual(["/ask hi"]);
  });

  it("is answered in the channel when Discord did not take our word in time", async () => {
    await using discord = await ConnectedDiscord.start(world);
    const expired = new DiscordFailure(404, 10062, "Unknown interaction");
    world.front.failNext("POST", /^\/interactions\//, expired);
    discord.core.answer = async (message) => {
      await discord.adapter.send(message.address, outgoing("late hi", { replyTo: message.id }));
    };
    const id = await world.command("/help", { channel: world.otherChannel });
    await until(() => expect(discord.inbox.events.at(-1)?.isHandled).toBe(true));
    expect(await world.texts(world.otherChannel)).toEqual(["late hi"]);
    expect(world.webhookCallsOf(id)).toEqual([]);
  });

  it("left by a crash is still answered in its place, and once", async () => {
    const inbox = new MemoryInbox();
    let letGo = () => {};
    const hanging = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await using crashed = await ConnectedDiscord.start(world, { inbox });
    crashed.core.answer = () => hanging;
    const id = await world.command("/help");
    await until(() => expect(crashed.core.texts).toEqual(["/help"]));
    await using next = new ConnectedDiscord(world, { inbox });
    next.core.answer = async (message) => {
      await next.adapter.send(message.address, outgoing("hi again", { replyTo: message.id }));
    };
    await next.adapter.start(next.core);
    letGo();
    await until(() => expect(world.webhookCallsOf(id)).toHaveLength(1));
    expect(world.webhookCallsOf(id)[0]).toMatchObject({ method: "PATCH", status: 200 });
    expect(world.callbacksOf(id)).toHaveLength(1);
  });
});

describe("a press on a button", () => {
  it("is taken at once, reaches the core, and its answer is seen by one person", async () => {
    await using discord = await ConnectedDiscord.start(world);
    discord.core.notice = "Stopping …";
    const buttons = [{ action: "stop" as const, replyId: "r-7", label: "Stop" }];
    const to = discord.address(world.channel);
    const { id: messageId } = await discord.adapter.send(to, outgoing("…", { buttons }));
    const scope = world.twin.channel(world.channel).user(world.bob);
    const { id } = await scope.clickButton({ messageId, customId: "stop:r-7" });
    await until(() => expect(world.webhookCallsOf(id)).toHaveLength(1));
    expect(world.callbacksOf(id)[0]?.body).toEqual({ type: 6 });
    expect(discord.core.actions).toMatchObject([
      { action: "stop", replyId: "r-7", sender: { platformUserId: world.bob }, isDirect: false },
    ]);
    expect(world.webhookCallsOf(id)[0]).toMatchObject({
      method: "POST",
      body: { content: "Stopping …", flags: expect.any(Number) },
    });
    expect(Number(world.webhookCallsOf(id)[0]?.body.flags) & ONLY_FOR_YOU).toBe(ONLY_FOR_YOU);
  });
});

describe("after a long time", () => {
  // Each in a world of its own: what comes later would be old there.
  beforeEach(async () => {
    await world[Symbol.asyncDispose]();
    world = await DiscordWorld.start();
  });

  it("an interaction's own way carries an answer for 15 minutes, then the channel does", async () => {
    await using discord = await ConnectedDiscord.start(world);
    const { adapter } = discord;
    const before = world.sends().length;
    const id = await world.command("/ask what is a card?");
    await until(() => expect(discord.core.texts).toEqual(["/ask what is a card?"]));
    const to = discord.address(world.channel);
    const sent = await adapter.send(to, outgoing("A card", { replyTo: id }));
    await adapter.edit(sent, outgoing("A card is"));
    expect(world.webhookCallsOf(id).map(({ path }) => path.split("/").at(-1))).toEqual([
      "@original",
      sent.id,
    ]);
    expect(world.sends()).toHaveLength(before);
    const [message] = await world.twin
      .channel(world.channel)
      .getMessages()
      .then((all) => all.slice(-1));
    expect(message).toMatchObject({ content: "A card is" });
    // What follows the answer is a message of its own.
    await adapter.send(to, outgoing("and more"));
    expect(world.sends()).toHaveLength(before + 1);

    world.clock.advance(15 * MINUTE_MS);
    await expect(adapter.edit(sent, outgoing("late"))).rejects.toMatchObject({
      kind: "message_gone",
    });
    await adapter.send(to, outgoing("late", { replyTo: id }));
    expect((await world.texts(world.channel)).at(-1)).toBe("late");
    expect(world.webhookCallsOf(id)).toHaveLength(2);
  });

  it("an interaction that nobody answers is ended after 14 minutes", async () => {
    await using discord = await ConnectedDiscord.start(world);
    const id = await world.command("/ask anyone there?");
    await until(() => expect(discord.core.texts).toHaveLength(1));
    await until(() => expect(world.callbacksOf(id)[0]?.status).toBe(204));
    const { sleepers } = world.clock;
    world.clock.advance(13 * MINUTE_MS);
    // Until the adapter has looked around and gone to sleep again.
    await until(() => expect(world.clock.sleepers).toBe(sleepers));
    expect(world.webhookCallsOf(id)).toEqual([]);
    world.clock.advance(MINUTE_MS);
    await until(() => expect(world.webhookCallsOf(id)).toHaveLength(1));
    expect(world.webhookCallsOf(id)[0]?.body.content).toBe("⌛");
  });
});

function fail(): never {
  throw new Error("no message");
}
