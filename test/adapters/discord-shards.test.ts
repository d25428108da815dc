import { generateSnowflake } from "discord-digital-twin";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConnectedDiscord, DiscordWorld } from "../fakes/discord/connected-discord.ts";
import { shardOf } from "../fakes/discord/gateway-session.ts";

let world: DiscordWorld;

beforeEach(async () => {
  world = await DiscordWorld.start();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 12_000, interval: 20 });

/** A server whose events go to this shard. */
function guildOn(shard: number, shardCount: number): string {
  for (let step = 0n; ; step += 1n) {
    const id = String(BigInt(generateSnowflake()) + (step << 22n));
    if (shardOf(id, shardCount) === shard) return id;
  }
}

/** A mention of us in that server, or a direct message where there is none. */
function say(text: string, guildId: string | null, channel = generateSnowflake()): void {
  const inGuild = guildId === null ? {} : { guild_id: guildId };
  world.gateway.broadcast("MESSAGE_CREATE", {
    ...{ id: generateSnowflake(), channel_id: channel, type: 0, attachments: [], ...inGuild },
    content: guildId === null ? text : `<@${world.botId}> ${text}`,
    author: { id: world.ann, username: "ann" },
  });
}

/** The texts each shard was told of, by its number. */
function textsByShard(): string[][] {
  const { clients } = world.gateway;
  return clients
    .toSorted((one, other) => one.session.shard - other.session.shard)
    .map(({ session }) =>
      session
        .eventsAfter(0)
        .filter(({ name }) => name === "MESSAGE_CREATE")
        .map(({ data }) => (data as { content: string }).content.replace(/<.*> /, "")),
    );
}

describe("several shards", () => {
  it("each get the events of their servers, the first the direct ones, and nothing comes twice", async () => {
    await using discord = await ConnectedDiscord.start(world, { shards: 2 });
    expect(world.gateway.identifies.map(({ shard }) => shard)).toEqual([
      [0, 2],
      [1, 2],
    ]);
    const [even, odd] = [guildOn(0, 2), guildOn(1, 2)];
    say("in an even server", even);
    say("in an odd server", odd);
    say("in private", null);
    await until(() => expect(discord.core.messages).toHaveLength(3));
    expect(textsByShard()).toEqual([["in an even server", "in private"], ["in an odd server"]]);
    expect([...discord.core.texts].sort()).toEqual([
      ...["in an even server", "in an odd server", "in private"],
    ]);
    expect(discord.inbox.events).toHaveLength(3);
    // Two sessions that begin are no session that was lost.
    const sentences = discord.log.lines.map(({ sentence }) => sentence);
    expect(sentences).not.toContain("missed messages fetched");
    expect(world.front.callsOf("PUT", /commands$/)).toHaveLength(1);
  });

  it("are as many as Discord advises when that is left to it", async () => {
    world.gateway.shardsAdvised = 3;
    world.gateway.shardsMin = 3;
    await using discord = await ConnectedDiscord.start(world, { shards: "auto" });
    expect(discord.adapter.problem).toBeNull();
    expect(world.gateway.identifies.map(({ shard }) => shard)).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
  });

  it("are told to the operator when there are too few", async () => {
    world.gateway.shardsMin = 2;
    await using discord = await ConnectedDiscord.start(world);
    expect(discord.adapter.problem).toBe(
      "Discord asks for more shards: set DISCORD_SHARDS to auto",
    );
  });

  it("break and are resumed one by one", async () => {
    await using discord = await ConnectedDiscord.start(world, { shards: 2 });
    const { gateway } = world;
    const odd = guildOn(1, 2);
    const channel = generateSnowflake();
    say("before", odd, channel);
    await until(() => expect(discord.core.texts).toEqual(["before"]));
    const broken = gateway.clients.find(({ session }) => session.shard === 1);
    gateway.isDown = true;
    broken?.ws.terminate();
    say("missed", odd, channel);
    // The other shard notices nothing.
    say("in private", null);
    await until(() => expect(discord.core.texts).toEqual(["before", "in private"]));
    gateway.isDown = false;
    await until(() => expect(discord.core.texts).toEqual(["before", "in private", "missed"]));
    expect(gateway.resumes).toHaveLength(1);
    expect(gateway.identifies).toHaveLength(2);
    expect(discord.adapter.problem).toBeNull();
  });

  it("begin five seconds apart where Discord lets one begin at a time, and all have to stand", async () => {
    world.gateway.concurrencyMax = 1;
    await using discord = new ConnectedDiscord(world, { shards: 2 });
    const starting = discord.adapter.start(discord.core);
    await until(() => expect(world.gateway.clients).toHaveLength(1));
    expect(discord.adapter.problem).toBe("Discord is not connected yet");
    await starting;
    expect(discord.adapter.problem).toBeNull();
    expect(world.gateway.clients).toHaveLength(2);
    // Neither was sent away for coming too soon.
    expect(world.gateway.identifies).toHaveLength(2);
  });
});
