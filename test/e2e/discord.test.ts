import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DiscordWorld } from "../fakes/discord/connected-discord.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { RunningProgram } from "../fakes/running-program.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";
import { redisEnvironment } from "../fakes/test-redis.ts";

/** Seen by nobody but the person. https://docs.discord.com/developers/resources/message */
const EPHEMERAL = 64;

let database: TestDatabase;
let world: DiscordWorld;
let openAi: OpenAiServer;
let program: RunningProgram;

beforeAll(async () => {
  database = await blankDatabase();
  world = await DiscordWorld.start();
  openAi = await OpenAiServer.start();
  program = await RunningProgram.start({
    DATABASE_URL: database.url,
    ...redisEnvironment("program on Discord"),
    DISCORD_BOT_TOKEN: world.token,
    DISCORD_API_URL: world.front.url,
    DISCORD_GUILD_ID: world.guildId,
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: openAi.url,
    OPENAI_MODEL: "gpt-test",
  });
});

afterAll(async () => {
  await program?.[Symbol.asyncDispose]();
  await openAi?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

async function shows(channel: string, text: string): Promise<void> {
  await expect
    .poll(async () => (await world.texts(channel)).some((shown) => shown.includes(text)), {
      timeout: 20_000,
    })
    .toBe(true);
}

describe("the program on Discord", { timeout: 60_000 }, () => {
  it("answers a mention in a channel by an edited message and charges it", async () => {
    expect(program.output).toContain("Discord");
    openAi.behaviour = { tokens: 60, tokenMs: 50 };
    const scope = world.twin.channel(world.channel).user(world.ann);
    await scope.sendMessage({ content: `<@${world.botId}> tell me something` });
    await shows(world.channel, "left: 9 messages");
    expect(world.front.calls.filter(({ status }) => status === 429)).toEqual([]);
    const { rows } = await database.pool.query(
      "SELECT count(*)::int AS count FROM entry WHERE to_account = 'revenue'",
    );
    expect(rows[0].count).toBe(1);
  });

  it("answers /ask, and keeps /balance between the person and the bot", async () => {
    openAi.behaviour = {};
    await world.command("/ask what is this?");
    await shows(world.channel, "left: 8 messages");
    await world.command("/balance");
    const isPrivate = async () => {
      const messages = await world.twin.channel(world.channel).getMessages();
      const hidden = messages.filter(({ flags }) => ((flags ?? 0) & EPHEMERAL) !== 0);
      return hidden.some(({ content }) => content.includes("8 messages"));
    };
    await expect.poll(isPrivate, { timeout: 20_000 }).toBe(true);
  });
});
