import { ChannelType } from "discord.js";
import { generateSnowflake } from "discord-digital-twin";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../../src/system-clock.ts";
import { ConnectedDiscord, DiscordWorld, outgoing } from "../fakes/discord/connected-discord.ts";
import { MESSAGE_CONTENT } from "../fakes/discord/gateway-session.ts";
import { MemoryInbox } from "../fakes/memory-inbox.ts";

let world: DiscordWorld;

beforeAll(async () => {
  world = await DiscordWorld.start();
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 20 });
const write = (content: string, channel = world.channel) =>
  world.twin.channel(channel).user(world.ann).sendMessage({ content });
const mention = (text: string) => `<@${world.botId}> ${text}`;

describe("what is written", () => {
  it("reaches the core when it is meant for us, and nothing else is kept", async () => {
    await using discord = await ConnectedDiscord.start(world);
    const { core, inbox } = discord;
    await write("good morning everyone");
    await write(mention("what is a prepaid card?"));
    const direct = await world.directChannel(world.ann);
    await write("and in private?", direct);
    await until(() => expect(core.messages).toHaveLength(2));
    expect(discord.adapter.problem).toBeNull();
    expect(core.messages[0]).toMatchObject({
      text: "what is a prepaid card?",
      address: { platform: "discord", bot: world.botId, channel: world.channel, thread: null },
      sender: { platformUserId: world.ann, username: "ann" },
      isDirect: false,
    });
    expect(core.messages[1]).toMatchObject({ text: "and in private?", isDirect: true });
    expect(inbox.events).toHaveLength(2);
  });

  it("does not come back when it is our own", async () => {
    await using discord = await ConnectedDiscord.start(world);
    const to = discord.address(await world.directChannel(world.ann));
    await discord.adapter.send(to, outgoing("hello"));
    await write("hi", to.channel);
    await until(() => expect(discord.core.texts).toEqual(["hi"]));
  });

  it("is an edit when it was changed", async () => {
    await using discord = await ConnectedDiscord.start(world);
    const direct = await world.directChannel(world.ann);
    const { id } = await write("helo", direct);
    const scope = world.twin.channel(direct).user(world.ann);
    await scope.editMessage({ messageId: id, content: "hello" });
    await until(() => expect(discord.core.texts).toEqual(["helo", "hello"]));
    expect(discord.core.messages[1]).toMatchObject({ id, isEdit: true });
  });

  it("loses nothing when the database is away for a moment", async () => {
    const inbox = new MemoryInbox();
    const save = inbox.save.bind(inbox);
    let isAway = true;
    inbox.save = async (...events) => {
      if (isAway) throw new Error("database is away");
      return await save(...events);
    };
    await using discord = await ConnectedDiscord.start(world, { inbox });
    await write(mention("one"));
    await write(mention("two"));
    await until(() => expect(discord.adapter.problem).toMatch(/cannot be saved/));
    isAway = false;
    await until(() => expect(discord.core.texts).toEqual(["one", "two"]));
    expect(discord.adapter.problem).toBeNull();
  });

  it("is understood or left alone, and never the end of the program", async () => {
    await using discord = await ConnectedDiscord.start(world);
    world.gateway.broadcast("MESSAGE_CREATE", { id: 7 });
    world.gateway.broadcast("INTERACTION_CREATE", { nonsense: true });
    world.gateway.broadcast("SOMETHING_NEW", null);
    await write(mention("still there?"));
    await until(() => expect(discord.core.texts).toEqual(["still there?"]));
    const warnings = discord.log.lines.filter(
      ({ sentence }) => sentence === "event not understood",
    );
    expect(warnings).toHaveLength(2);
  });
});

describe("after a restart", () => {
  it("what was saved and not handled is handled, and what was handled is not", async () => {
    const inbox = new MemoryInbox();
    let isDown = true;
    {
      await using first = await ConnectedDiscord.start(world, { inbox, clock: systemClock });
      first.core.answer = async ({ text }) => {
        if (isDown && text === "two") throw new Error("the process is dying");
      };
      await write(mention("one"));
      await write(mention("two"));
      await until(() => expect(first.core.texts).toEqual(["one", "two"]));
    }
    isDown = false;
    await using second = await ConnectedDiscord.start(world, { inbox });
    await until(() => expect(second.core.texts).toEqual(["two"]));
    await until(() => expect(inbox.events.every(({ isHandled }) => isHandled)).toBe(true));
  });
});

describe("the message content intent", () => {
  const say = (content: string, more: object = {}) =>
    world.gateway.broadcast("MESSAGE_CREATE", {
      ...{ id: generateSnowflake(), channel_id: world.channel, guild_id: world.guildId, content },
      ...{ type: 0, author: { id: world.ann, username: "ann" }, ...more },
    });
  const reply = () =>
    say("shorter, please", {
      type: 19,
      referenced_message: { author: { id: world.botId, username: "dianka" }, content: "Long." },
    });

  it("is not needed for direct messages, mentions and slash commands", async () => {
    world.gateway.grantsContent = false;
    await using discord = await ConnectedDiscord.start(world);
    expect(discord.adapter.problem).toBeNull();
    reply();
    await write(mention("a mention"));
    await write("a direct message", await world.directChannel(world.ann));
    await world.command("/ask a slash command");
    const expected = ["a mention", "a direct message", "/ask a slash command"];
    await until(() => expect([...discord.core.texts].sort()).toEqual(expected.sort()));
    world.gateway.grantsContent = true;
  });

  it("lets replies without a mention be read where it is granted and asked for", async () => {
    await using discord = await ConnectedDiscord.start(world, { messageContent: true });
    say("talk of others");
    reply();
    await until(() => expect(discord.core.texts).toEqual(["shorter, please"]));
  });
});

describe("a thread", () => {
  it("is a channel of its own: what is asked there is answered there", async () => {
    await using discord = await ConnectedDiscord.start(world);
    const parent = world.twin.channel(world.channel);
    const thread = generateSnowflake();
    await world.twin.prisma.channel.create({
      data: {
        id: thread,
        type: ChannelType.PublicThread,
        guildId: world.guildId,
        parentId: world.channel,
      },
    });
    await write(mention("in a thread"), thread);
    await until(() => expect(discord.core.texts).toEqual(["in a thread"]));
    const [message] = discord.core.messages;
    expect(message?.address).toEqual(discord.address(thread));
    const before = (await parent.getMessages()).length;
    await discord.adapter.send(
      discord.address(thread),
      outgoing("here", { replyTo: message?.id ?? null }),
    );
    expect((await world.texts(thread)).at(-1)).toBe("here");
    expect(await parent.getMessages()).toHaveLength(before);
  });
});

describe("a connection that Discord refuses", () => {
  beforeEach(() => {
    world.front.calls.length = 0;
    world.gateway.refuses = () => null;
    world.gateway.grantsContent = true;
  });

  it.each([
    [4004, "Discord refuses the bot token: check DISCORD_BOT_TOKEN"],
    [4011, "Discord asks for more shards: set DISCORD_SHARDS to auto"],
    [4013, "Discord refuses the intents of this program"],
  ])(
    "with code %i is a problem for the operator, and is not tried again",
    async (code, problem) => {
      let tries = 0;
      world.gateway.refuses = () => {
        tries += 1;
        return code;
      };
      await using discord = await ConnectedDiscord.start(world);
      expect(discord.adapter.problem).toBe(problem);
      world.clock.advance(10 * 60_000);
      await systemClock.sleep(100);
      expect(tries).toBe(1);
    },
  );

  it("for its token is a problem for the operator, and is not tried again", async () => {
    const token = `${world.token}-old`;
    await using discord = await ConnectedDiscord.start(world, { token });
    expect(discord.adapter.problem).toBe("Discord refuses the bot token: check DISCORD_BOT_TOKEN");
    world.clock.advance(10 * 60_000);
    await systemClock.sleep(100);
    expect(world.front.callsOf("GET", /gateway/)).toHaveLength(1);
  });

  it("for a token that is none is not even tried", async () => {
    await using discord = await ConnectedDiscord.start(world, { token: "nonsense" });
    expect(discord.adapter.problem).toBe("DISCORD_BOT_TOKEN is not a bot token");
    expect(world.front.calls).toEqual([]);
  });

  it("for the content intent goes on without it, and says so in the log", async () => {
    world.gateway.grantsContent = false;
    await using discord = await ConnectedDiscord.start(world, { messageContent: true });
    expect(discord.adapter.problem).toMatch(/message content intent/);
    world.clock.advance(2_000);
    await until(() => expect(discord.adapter.problem).toBeNull());
    const intents = world.gateway.clients.map(({ session }) => session.intents & MESSAGE_CONTENT);
    expect(intents).toEqual([0]);
    await write(mention("hello"));
    await until(() => expect(discord.core.texts).toEqual(["hello"]));
    expect(discord.log.lines.map(({ sentence }) => sentence)).toContain(
      "going on without the message content intent",
    );
  });

  it("because it is not there is tried again", async () => {
    world.front.failNext("GET", /gateway/, "cut", 2);
    await using discord = await ConnectedDiscord.start(world);
    expect(discord.adapter.problem).toBe("Discord cannot be reached");
    const knocked = () => world.front.callsOf("GET", /gateway/).length;
    await until(() => {
      world.clock.advance(2_000);
      expect(knocked()).toBeGreaterThan(2);
    });
    await until(() => expect(discord.adapter.problem).toBeNull());
  });
});
