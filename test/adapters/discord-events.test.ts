import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../../src/system-clock.ts";
import { ConnectedDiscord, DiscordWorld, outgoing } from "../fakes/discord/connected-discord.ts";
import { MemoryInbox } from "../fakes/memory-inbox.ts";

const MESSAGE_CONTENT = 1 << 15;

let world: DiscordWorld;
/** The code by which the gateway closes a connection that wants these intents; `null`: it stays. */
let closeCode: (intents: number) => number | null = () => null;

beforeAll(async () => {
  world = await DiscordWorld.start();
  world.gateway.wss.on("connection", (ws) => {
    ws.on("message", (raw) => {
      const { op, d } = JSON.parse(String(raw)) as { op: number; d: { intents: number } };
      const code = op === 2 ? closeCode(d.intents) : null;
      if (code !== null) ws.close(code);
    });
  });
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

describe("after a new session", () => {
  it("what was missed in the meantime is answered, once each", async () => {
    await using discord = await ConnectedDiscord.start(world);
    const direct = await world.directChannel(world.bob);
    await write(mention("before"));
    await write("before, in private", direct);
    await until(() => expect(discord.core.messages).toHaveLength(2));
    const { gateway } = world;
    const broadcast = gateway.broadcast.bind(gateway);
    // The gateway falls silent: these three are written and nobody tells us.
    gateway.broadcast = () => {};
    await write(mention("missed one"));
    await write("missed talk of others");
    await write("missed two", direct);
    await write(mention("missed three"));
    gateway.broadcast = broadcast;
    // 1000: discord.js has to identify anew.
    for (const { ws } of [...gateway.clients]) ws.close(1000);
    await until(() => expect(discord.core.messages).toHaveLength(5));
    await write(mention("after"));
    await until(() => expect(discord.core.texts).toContain("after"));
    expect([...discord.core.texts].sort()).toEqual(
      [
        ...["before", "before, in private", "missed one", "missed two", "missed three", "after"],
      ].sort(),
    );
    expect(discord.core.messages.find(({ text }) => text === "missed one")?.isDirect).toBe(false);
    expect(discord.core.messages.find(({ text }) => text === "missed two")?.isDirect).toBe(true);
  });
});

describe("a connection that Discord refuses", () => {
  beforeEach(() => {
    world.front.calls.length = 0;
    closeCode = () => null;
  });

  it.each([
    [4004, "Discord refuses the bot token: check DISCORD_BOT_TOKEN"],
    [4011, "Discord asks for more shards: the bot is in too many servers for one connection"],
    [4013, "Discord refuses the intents of this program"],
  ])(
    "with code %i is a problem for the operator, and is not tried again",
    async (code, problem) => {
      let tries = 0;
      closeCode = () => {
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
    closeCode = (intents) => ((intents & MESSAGE_CONTENT) === 0 ? null : 4014);
    await using discord = await ConnectedDiscord.start(world, { messageContent: true });
    expect(discord.adapter.problem).toMatch(/message content intent/);
    world.clock.advance(2_000);
    await until(() => expect(discord.adapter.problem).toBeNull());
    expect(world.gateway.clients.map(({ intents }) => intents & MESSAGE_CONTENT)).toEqual([0]);
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
