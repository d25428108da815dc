import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OutsideError } from "../../src/core/errors.ts";
import { systemClock } from "../../src/system-clock.ts";
import { ConnectedDiscord, DiscordWorld, outgoing } from "../fakes/discord/connected-discord.ts";
import { DiscordFailure } from "../fakes/discord/discord-failure.ts";

let world: DiscordWorld;
let discord: ConnectedDiscord;

beforeAll(async () => {
  world = await DiscordWorld.start();
  discord = new ConnectedDiscord(world);
});

afterAll(async () => {
  await discord[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const ANY_MESSAGE = /^\/channels\/\d+\/messages/;
const person = (platformUserId: string) => ({
  ...{ platformUserId, displayName: "Ann", username: "ann", locale: null },
});
/** Each on a channel of its own, or the limits of one test would reach the next. */
async function freshChannel(): Promise<string> {
  return await world.directChannel(`18${String(Math.random()).slice(2, 18).padEnd(16, "0")}`);
}

describe("a rate limit", () => {
  it("is foreseen from Discord's headers rather than provoked", async () => {
    const to = discord.address(await freshChannel());
    for (let message = 0; message < 5; message += 1) {
      await discord.adapter.send(to, outgoing(`${message}`));
    }
    const sixth = () => discord.adapter.send(to, outgoing("5"));
    const error = await sixth().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ kind: "rate_limited", retryAfterMs: expect.any(Number) });
    expect(world.front.callsOf("POST", new RegExp(to.channel))).toHaveLength(5);
    // It says exactly how long to wait.
    await systemClock.sleep((error as OutsideError).retryAfterMs ?? 0);
    await sixth();
    expect(await world.texts(to.channel)).toHaveLength(6);
  });
});

describe("sending", () => {
  it("brings text and buttons, and answers the message it belongs to", async () => {
    const { adapter } = discord;
    const channel = await freshChannel();
    const buttons = [{ action: "stop" as const, replyId: "r1", label: "Stop" }];
    const to = discord.address(channel);
    const replyTo = "1500000000000000001";
    const sent = await adapter.send(
      to,
      outgoing("**hi**", { format: "markdown", buttons, replyTo }),
    );
    expect(sent).toEqual({ address: to, id: expect.stringMatching(/^\d{17,19}$/) });
    expect(world.front.calls.at(-1)?.body).toMatchObject({
      content: "**hi**",
      allowed_mentions: { parse: [] },
      message_reference: { message_id: replyTo, fail_if_not_exists: false },
      components: [{ type: 1, components: [{ type: 2, custom_id: "stop:r1", label: "Stop" }] }],
    });
    await adapter.edit(sent, outgoing("bye"));
    expect(await world.texts(channel)).toEqual(["bye"]);
    expect(world.front.calls.at(-1)?.body.components).toEqual([]);
  });

  it("takes a text of exactly 2000 characters", async () => {
    const channel = await freshChannel();
    await discord.adapter.send(discord.address(channel), outgoing("x".repeat(2_000)));
    expect((await world.texts(channel))[0]).toHaveLength(2_000);
  });

  it("sends a text file with its caption", async () => {
    const channel = await freshChannel();
    const file = { name: "winter cards.txt", content: "AAAA\nBBBB", caption: "3 cards" };
    await discord.adapter.sendFile(discord.address(channel), file);
    const call = world.front.callsOf("POST", new RegExp(channel)).at(-1);
    expect(call?.files).toEqual([{ name: "winter_cards.txt", content: "AAAA\nBBBB" }]);
    expect(call?.body.content).toBe("3 cards");
  });

  it("shows that the bot is typing", async () => {
    const channel = await freshChannel();
    await discord.adapter.showTyping(discord.address(channel));
    expect(world.twin.getTypingEvents({ channelId: channel })).toHaveLength(1);
  });

  it("opens a direct chat once, and remembers it", async () => {
    const opened = await discord.adapter.openDirectChat(person(world.ann));
    expect(opened).toEqual(discord.address(await world.directChannel(world.ann)));
    expect(await discord.adapter.openDirectChat(person(world.ann))).toEqual(opened);
    expect(world.front.callsOf("POST", /@me\/channels/)).toHaveLength(1);
  });

  it("opens none for a person whom Discord does not know", async () => {
    const unknown = new DiscordFailure(400, 10013, "Unknown User");
    world.front.failNext("POST", /@me\/channels/, unknown);
    expect(await discord.adapter.openDirectChat(person("1999999999999999999"))).toBeNull();
  });

  it("tells the core when a person takes no direct messages", async () => {
    await using listening = await ConnectedDiscord.start(world);
    const to = await listening.adapter.openDirectChat(person(world.bob));
    if (to === null) throw new Error("no chat");
    world.front.blocksDirectMessages = true;
    const sending = listening.adapter.send(to, outgoing("hi"));
    await expect(sending).rejects.toMatchObject({ kind: "chat_gone" });
    world.front.blocksDirectMessages = false;
    expect(listening.core.reachable).toEqual([{ userId: world.bob, isReachable: false }]);
  });

  it("deletes where it may, and says so where it may not", async () => {
    const channel = await freshChannel();
    const { id, address } = await discord.adapter.send(discord.address(channel), outgoing("x"));
    world.front.mayDeleteMessages = false;
    expect(await discord.adapter.deleteMessage(address, id)).toBe(false);
    world.front.mayDeleteMessages = true;
    expect(await discord.adapter.deleteMessage(address, id)).toBe(true);
    // Deleted already is deleted.
    expect(await discord.adapter.deleteMessage(address, id)).toBe(true);
    expect(await world.texts(channel)).toEqual([]);
  });

  it("wakes a thread that fell asleep", async () => {
    const channel = await freshChannel();
    const asleep = new DiscordFailure(400, 50083, "Thread is archived");
    world.front.failNext("POST", new RegExp(channel), asleep);
    await discord.adapter.send(discord.address(channel), outgoing("good morning"));
    expect(await world.texts(channel)).toEqual(["good morning"]);
    expect(world.front.callsOf("PATCH", new RegExp(`${channel}$`))[0]?.body).toEqual({
      archived: false,
    });
  });
});

describe("a refusal", () => {
  const cases: [string, DiscordFailure | "cut" | { retryAfterSeconds: number }, object][] = [
    ["a rate limit", { retryAfterSeconds: 2 }, { kind: "rate_limited", retryAfterMs: 2_050 }],
    ["slow mode", new DiscordFailure(400, 20016, "Slowmode"), { kind: "rate_limited" }],
    [
      "an unknown channel",
      new DiscordFailure(404, 10003, "Unknown Channel"),
      { kind: "chat_gone" },
    ],
    ["missing access", new DiscordFailure(403, 50001, "Missing Access"), { kind: "chat_gone" }],
    ["a bad form", new DiscordFailure(400, 50035, "Invalid Form Body"), { kind: "rejected" }],
    ["AutoMod", new DiscordFailure(403, 200000, "Blocked"), { kind: "rejected" }],
    ["an outage", new DiscordFailure(502, 0, "Bad Gateway"), { kind: "overloaded" }],
    ["a cut connection", "cut", { kind: "unreachable" }],
  ];

  it.each(cases)("for %s is told to the core as what it is", async (_, answer, expected) => {
    const channel = await freshChannel();
    world.front.failNext("POST", new RegExp(channel), answer);
    const sending = discord.adapter.send(discord.address(channel), outgoing("secret words"));
    const error = await sending.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "OutsideError", party: "discord", ...expected });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("secret");
    // Discord was asked once: whether to try again is for the core to say.
    expect(world.front.callsOf("POST", new RegExp(channel))).toHaveLength(1);
  });

  it.each([
    [10008, "Unknown Message"],
    [30046, "Maximum number of edits to messages older than 1 hour reached"],
    [50005, "Cannot edit a message authored by another user"],
  ])("of an edit with code %i has the message sent anew", async (code, text) => {
    const channel = await freshChannel();
    const sent = await discord.adapter.send(discord.address(channel), outgoing("a"));
    world.front.failNext("PATCH", new RegExp(channel), new DiscordFailure(400, code, text));
    const editing = discord.adapter.edit(sent, outgoing("b"));
    await expect(editing).rejects.toMatchObject({ kind: "message_gone" });
  });

  it("of the token stops all calls for a while", async () => {
    await using refused = new ConnectedDiscord(world, { token: `${world.token}x` });
    const to = refused.address(await freshChannel());
    const before = world.front.callsOf("POST", ANY_MESSAGE).length;
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const sending = refused.adapter.send(to, outgoing("x"));
      await expect(sending).rejects.toMatchObject({ kind: "unauthorized" });
    }
    expect(world.front.callsOf("POST", ANY_MESSAGE)).toHaveLength(before + 1);
  });
});
