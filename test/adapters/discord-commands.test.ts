import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ConnectedDiscord, DiscordWorld } from "../fakes/discord/connected-discord.ts";
import { DiscordFailure } from "../fakes/discord/discord-failure.ts";

const ONLY_FOR_YOU = 64;

let world: DiscordWorld;

beforeAll(async () => {
  world = await DiscordWorld.start();
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 8_000, interval: 20 });

describe("the commands Discord knows", () => {
  const commandMenu = {
    people: {
      en: [
        {
          name: "redeem",
          localName: null,
          description: "Redeem a card",
          usage: "/redeem CODE [CODE …]",
        },
        { name: "usage", localName: null, description: "Last answers", usage: "/usage [on|off]" },
        { name: "help", localName: null, description: "Help", usage: "/help" },
      ],
      zh: [
        {
          name: "redeem",
          localName: "充值",
          description: "兑换充值卡",
          usage: "/redeem CODE [CODE …]",
        },
      ],
    },
    admins: {
      en: [
        { name: "grant", localName: null, description: "Give credit", usage: "/grant USER AMOUNT" },
        { name: "help", localName: null, description: "Help", usage: "/help" },
      ],
    },
    adminChats: [] as string[],
  };

  it("are those of people everywhere, and those of admins in the operator's server", async () => {
    const guildId = world.guildId;
    await using discord = await ConnectedDiscord.start(world, { commandMenu, guildId });
    const puts = () => world.front.callsOf("PUT", /commands$/).slice(-2);
    const guildRoute = `/applications/${world.botId}/guilds/${guildId}/commands`;
    await until(() => expect(puts()[1]).toMatchObject({ path: guildRoute, status: 200 }));
    expect(discord.adapter.problem).toBeNull();
    const [people, admins] = puts();
    expect(people?.body).toMatchObject([
      {
        name: "redeem",
        contexts: [0, 1],
        name_localizations: { "zh-CN": "充值", "zh-TW": "充值" },
        description_localizations: { "zh-CN": "兑换充值卡", "zh-TW": "兑换充值卡" },
        options: [{ type: 3, name: "code", required: true, description: "CODE [CODE …]" }],
      },
      {
        name: "usage",
        name_localizations: {},
        options: [{ type: 3, name: "input", required: false }],
      },
      { name: "help", options: [] },
    ]);
    expect(admins?.body).toMatchObject([{ name: "grant", default_member_permissions: "0" }]);
    expect(Object.keys(admins?.body ?? {})).toHaveLength(1);
  });

  it("give nobody a right: an admin command is passed on with where it came from", async () => {
    const menu = { ...commandMenu, adminChats: [world.channel] };
    await using discord = await ConnectedDiscord.start(world, { commandMenu: menu });
    const stranger = { channel: world.otherChannel, user: world.bob };
    const elsewhere = await world.command("/grant discord:1 5", stranger);
    const here = await world.command("/grant discord:1 5");
    await until(() => expect(discord.core.messages).toHaveLength(2));
    await until(() =>
      expect([...world.callbacksOf(elsewhere), ...world.callbacksOf(here)]).toHaveLength(2),
    );
    const seen = discord.core.messages.map(({ address, sender }) => [
      ...[address.channel, sender.platformUserId],
    ]);
    expect(seen.sort()).toEqual(
      [
        [world.otherChannel, world.bob],
        [world.channel, world.ann],
      ].sort(),
    );
    // Nobody but the stranger sees that there is such a command.
    expect(world.callbacksOf(elsewhere)[0]?.body).toMatchObject({ data: { flags: ONLY_FOR_YOU } });
    expect(world.callbacksOf(here)[0]?.body).toEqual({ type: 5 });
  });

  it("are left as they were when Discord refuses them, which ends nothing", async () => {
    const tooMany = new DiscordFailure(400, 30034, "Max number of daily commands reached");
    world.front.failNext("PUT", /commands$/, tooMany);
    await using discord = await ConnectedDiscord.start(world, { commandMenu });
    const sentences = () => discord.log.lines.map(({ sentence }) => sentence);
    await until(() => expect(sentences()).toContain("commands not registered"));
    expect(discord.adapter.problem).toBeNull();
  });
});
