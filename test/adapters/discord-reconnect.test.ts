import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConnectedDiscord, DiscordWorld, outgoing } from "../fakes/discord/connected-discord.ts";

const ASKED_FOR_MISSED = /^\/channels\/\d+\/messages\?after=/;

let world: DiscordWorld;

beforeEach(async () => {
  world = await DiscordWorld.start();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 20 });
const write = (content: string, channel = world.channel) =>
  world.twin.channel(channel).user(world.ann).sendMessage({ content });
const mention = (text: string) => `<@${world.botId}> ${text}`;
const fetched = () => world.front.callsOf("GET", ASKED_FOR_MISSED);

/** Waits until it has gone on, and sees that each was told once and in order. */
async function heardExactly(discord: ConnectedDiscord, texts: readonly string[]) {
  await until(() => expect(discord.core.texts).toContain(texts.at(-1)));
  expect(discord.core.texts).toEqual(texts);
  expect(discord.adapter.problem).toBeNull();
}

describe("a connection that breaks", () => {
  it("is resumed: Discord replays what was missed, and each is handled once", async () => {
    await using discord = await ConnectedDiscord.start(world);
    const { gateway } = world;
    const direct = await world.directChannel(world.ann);
    await write(mention("before"));
    await until(() => expect(discord.core.texts).toEqual(["before"]));
    gateway.isDown = true;
    gateway.cut();
    await write(mention("missed one"));
    await write("missed two", direct);
    gateway.isDown = false;
    await until(() => expect(gateway.clients).toHaveLength(1));
    await write(mention("after"));
    await heardExactly(discord, ["before", "missed one", "missed two", "after"]);
    expect(gateway.identifies).toHaveLength(1);
    // Discord names the place for it when a session begins.
    expect(gateway.resumes.map(({ path }) => path)).toEqual(["/resume"]);
    expect(fetched()).toEqual([]);
  });

  it.each([
    ["by the code 4000", () => world.gateway.closeAll(4000)],
    ["because Discord asks for it", () => world.gateway.askToReconnect()],
  ])("%s is resumed too", async (_, end) => {
    await using discord = await ConnectedDiscord.start(world);
    const [old] = world.gateway.clients;
    end();
    await until(() => expect(world.gateway.resumes).toHaveLength(1));
    await until(() => expect(world.gateway.clients[0]?.ws).not.toBe(old?.ws));
    await write(mention("still there?"));
    await heardExactly(discord, ["still there?"]);
    expect(world.gateway.identifies).toHaveLength(1);
  });

  it("without a word, so that only heartbeats stay unanswered, is noticed and resumed", async () => {
    const { gateway } = world;
    gateway.heartbeatMs = 150;
    await using discord = await ConnectedDiscord.start(world);
    gateway.acksHeartbeats = false;
    await until(() => expect(gateway.resumes.length).toBeGreaterThan(0));
    gateway.acksHeartbeats = true;
    await write(mention("still there?"));
    await heardExactly(discord, ["still there?"]);
    expect(gateway.identifies).toHaveLength(1);
  });

  it("is a problem for the operator only when it stays broken for ten seconds", async () => {
    await using discord = await ConnectedDiscord.start(world);
    world.gateway.isDown = true;
    world.gateway.cut();
    const lost = () => discord.log.lines.map(({ sentence }) => sentence);
    await until(() => expect(lost()).toContain("discord connection lost"));
    expect(discord.adapter.problem).toBeNull();
    world.clock.advance(10_000);
    expect(discord.adapter.problem).toBe("Discord: connection lost, trying again");
    world.gateway.isDown = false;
    await until(() => expect(discord.adapter.problem).toBeNull());
  });
});

describe("a session that Discord has forgotten", () => {
  it.each([
    [
      "while we were away",
      () => {
        world.gateway.forgetSessions();
        world.gateway.cut();
      },
    ],
    ["and ended itself, by the code 4009", () => world.gateway.closeAll(4009)],
  ])("%s is begun anew, and what was missed is fetched and handled once", async (_, end) => {
    await using discord = await ConnectedDiscord.start(world);
    const { gateway } = world;
    const direct = await world.directChannel(world.bob);
    await write(mention("before"));
    await write("before, in private", direct);
    await until(() => expect(discord.core.messages).toHaveLength(2));
    gateway.isDown = true;
    end();
    await write(mention("missed one"));
    await write("missed talk of others");
    await write("missed two", direct);
    await write(mention("missed three"));
    await discord.adapter.send(discord.address(direct), outgoing("our own"));
    gateway.isDown = false;
    await until(() => expect(gateway.identifies).toHaveLength(2));
    await until(() => expect(discord.core.messages).toHaveLength(5));
    await write(mention("after"));
    await until(() => expect(discord.core.texts).toContain("after"));
    const expected = ["before", "before, in private", "missed one", "missed two", "missed three"];
    expect([...discord.core.texts].sort()).toEqual([...expected, "after"].sort());
    expect(discord.core.messages.find(({ text }) => text === "missed one")?.isDirect).toBe(false);
    expect(discord.core.messages.find(({ text }) => text === "missed two")?.isDirect).toBe(true);
    expect(fetched()).toHaveLength(2);
    expect(discord.inbox.events).toHaveLength(6);
  });
});
