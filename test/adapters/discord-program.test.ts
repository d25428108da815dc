import { generateSnowflake } from "discord-digital-twin";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ADMIN_COMMANDS, PERSON_COMMANDS, USAGE } from "../../src/core/commands/command-names.ts";
import { DiscordWorld } from "../fakes/discord/connected-discord.ts";
import type { FrontCall } from "../fakes/discord-front.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { RunningProgram } from "../fakes/running-program.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";

const UNKNOWN = "do not know";
const DESCRIPTION_LENGTH_MAX = 100;
/** What stands behind a command that needs it; the others go alone. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  ask: "what is a card?",
  redeem: "AAAA-BBBB-CCCC",
  resume: "1",
};

let database: TestDatabase;
let world: DiscordWorld;
let openAi: OpenAiServer;
let program: RunningProgram;
/** One for each, as a channel takes a message every 1.3 seconds only. */
let adminChannels: string[];

beforeAll(async () => {
  database = await blankDatabase();
  world = await DiscordWorld.start();
  adminChannels = await Promise.all(ADMIN_COMMANDS.map(() => world.newChannel()));
  openAi = await OpenAiServer.start();
  program = await RunningProgram.start({
    DATABASE_URL: database.url,
    DISCORD_BOT_TOKEN: world.token,
    DISCORD_API_URL: `${world.front.url}/`,
    DISCORD_GUILD_ID: world.guildId,
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: openAi.url,
    OPENAI_MODEL: "gpt-test",
    ADMIN_CHATS: [world.otherChannel, ...adminChannels].map((id) => `discord:${id}`).join(","),
    ADMIN_USERS: `discord:${world.ann}`,
    TRIAL_MESSAGES: "20",
  });
});

afterAll(async () => {
  await program?.[Symbol.asyncDispose]();
  await openAi?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const until = (check: () => void | Promise<void>) =>
  vi.waitFor(check, { timeout: 15_000, interval: 20 });
const contentOf = ({ body }: FrontCall) => String(body.content ?? "");
const isPrivate = ({ answer }: FrontCall) =>
  world.front.interactions.isPrivateMessage(String(answer.id));
const answersTo = (interaction: string) =>
  world.front.calls.filter(
    ({ path, method }) =>
      path.startsWith("/webhooks/") && path.includes(interaction) && method !== "GET",
  );
const postsIn = (channel: string) =>
  world.front.callsOf("POST", new RegExp(`^/channels/${channel}/messages$`));
const typed = (name: string) => `/${name} ${ARGUMENTS[name] ?? ""}`.trim();

/** What answers a slash command. */
async function slash(text: string, where: { channel?: string; user?: string } = {}) {
  const id = await world.command(text, where);
  const answers = () =>
    answersTo(id).filter((call) => contentOf(call) !== "" && call.status === 200);
  await until(() => expect(answers().length).toBeGreaterThan(0));
  return answers();
}

async function mention(text: string, channel: string): Promise<string> {
  const content = `<@${world.botId}> ${text}`;
  return (await world.twin.channel(channel).user(world.bob).sendMessage({ content })).id;
}

/** What answers a message in a channel. */
async function answerIn(channel: string, messageId: string): Promise<string> {
  const answers = () =>
    postsIn(channel).filter(({ body }) => {
      const reference = body.message_reference as { message_id?: string } | undefined;
      return reference?.message_id === messageId;
    });
  await until(() => expect(answers().length).toBeGreaterThan(0));
  return answers().map(contentOf).join("\n");
}

/** What answers a person who writes to the bot for the first time, in private. */
async function answerInPrivate(text: string): Promise<string> {
  const user = generateSnowflake();
  const channel = await world.directChannel(user);
  world.gateway.broadcast("MESSAGE_CREATE", {
    ...{ id: generateSnowflake(), channel_id: channel, type: 0, content: text },
    author: { id: user, username: "carol" },
  });
  await until(() => expect(postsIn(channel).length).toBeGreaterThan(0));
  return postsIn(channel).map(contentOf).join("\n");
}

async function createCards(batch: string, count: number): Promise<string[]> {
  await slash(`/cards new ${batch} ${count} 5m 30`, { channel: world.otherChannel });
  const files = () => world.front.calls.flatMap(({ files: sent }) => sent);
  await until(() => expect(files().some(({ name }) => name.includes(batch))).toBe(true));
  const file = files().find(({ name }) => name.includes(batch));
  return (file?.content ?? "").trim().split("\n");
}

describe("the list of commands", () => {
  it("is registered as a whole, in every language we have, and admin commands at home only", async () => {
    await until(() => expect(world.front.callsOf("PUT", /commands$/)).toHaveLength(2));
    const [everywhere, home] = world.front.callsOf("PUT", /commands$/);
    expect(everywhere?.path).toBe(`/applications/${world.botId}/commands`);
    expect(home?.path).toBe(`/applications/${world.botId}/guilds/${world.guildId}/commands`);
    const people = Object.values(everywhere?.body ?? {}) as Registered[];
    const admins = Object.values(home?.body ?? {}) as Registered[];
    expect(people.map(({ name }) => name)).toEqual([...PERSON_COMMANDS]);
    expect(admins.map(({ name }) => name)).toEqual([...ADMIN_COMMANDS]);
    expect(admins.every((command) => command.default_member_permissions === "0")).toBe(true);
    for (const { name, description, description_localizations: more, options } of [
      ...people,
      ...admins,
    ]) {
      const descriptions = [description, more["zh-CN"] ?? "", more["zh-TW"] ?? ""];
      expect(new Set(descriptions).size).toBe(2);
      for (const one of [...descriptions, ...options.map((option) => option.description)]) {
        expect(one.length).toBeGreaterThan(0);
        expect(one.length).toBeLessThanOrEqual(DESCRIPTION_LENGTH_MAX);
      }
      expect(options).toHaveLength(USAGE[name].includes(" ") ? 1 : 0);
    }
  });
});

interface Registered {
  readonly name: (typeof PERSON_COMMANDS)[number] | (typeof ADMIN_COMMANDS)[number];
  readonly description: string;
  readonly description_localizations: Readonly<Record<string, string>>;
  readonly default_member_permissions?: string;
  readonly options: readonly { readonly description: string }[];
}

describe("each command", { timeout: 60_000 }, () => {
  it.each(PERSON_COMMANDS)(
    "/%s works as a slash command, in a channel and in private",
    async (name) => {
      const channel = await world.newChannel();
      const answers = await slash(typed(name), { channel });
      expect(answers.map(contentOf).join()).not.toContain(UNKNOWN);
      const id = await world.command(typed(name), { isDirect: true, user: generateSnowflake() });
      await until(() => expect(answersTo(id).map(contentOf).join()).not.toBe(""));
      expect(answersTo(id).map(contentOf).join()).not.toContain(UNKNOWN);
    },
  );

  it.each(PERSON_COMMANDS)("/%s works typed, behind a mention and in private", async (name) => {
    const channel = await world.newChannel();
    const answer = await answerIn(channel, await mention(typed(name), channel));
    expect(answer).not.toContain(UNKNOWN);
    expect(await answerInPrivate(typed(name))).not.toContain(UNKNOWN);
  });

  it.each(ADMIN_COMMANDS.map((name, index) => [name, index] as const))(
    "/%s works for an admin, as a slash command and typed",
    async (name, index) => {
      const channel = adminChannels[index] ?? "";
      const answers = await slash(`/${name}`, { channel });
      expect(answers.map(contentOf).join()).not.toContain(UNKNOWN);
      const content = `<@${world.botId}> /${name}`;
      const scope = world.twin.channel(channel).user(world.ann);
      const { id } = await scope.sendMessage({ content });
      expect(await answerIn(channel, id)).not.toContain(UNKNOWN);
    },
  );

  it("of admins is unknown, and said so in private, to everybody and everywhere else", async () => {
    for (const where of [{ channel: world.channel }, { channel: world.channel, user: world.bob }]) {
      const answers = await slash("/stats", where);
      expect(answers.map(contentOf).join()).toContain(UNKNOWN);
      expect(answers.every(isPrivate)).toBe(true);
    }
    const stranger = await slash("/stats", { channel: world.otherChannel, user: world.bob });
    expect(stranger.map(contentOf).join()).toContain(UNKNOWN);
  });
});

describe("a card code", { timeout: 60_000 }, () => {
  it("behind /redeem is answered in private from the first response on", async () => {
    const [code = ""] = await createCards("SLASH", 1);
    const before = postsIn(world.channel).length;
    const answers = await slash(`/redeem ${code}`);
    expect(answers.map(contentOf).join()).toContain("5 messages");
    expect(answers.every(isPrivate)).toBe(true);
    expect(postsIn(world.channel)).toHaveLength(before);
    const balance = await slash("/balance");
    expect(balance.every(isPrivate)).toBe(true);
    expect(balance.map(contentOf).join()).toContain("5 messages");
    expect(program.output + program.errors).not.toContain(code);
  });

  it("in a channel is deleted where we may, and its person told in private", async () => {
    const [code = ""] = await createCards("POSTED", 1);
    const direct = await world.directChannel(world.bob);
    const id = await mention(code, world.channel);
    expect(await answerIn(world.channel, id)).toContain("answered you in private");
    await until(async () =>
      expect((await world.texts(direct)).some((text) => text.includes("5 messages"))).toBe(true),
    );
    expect((await world.texts(world.channel)).some((text) => text.includes(code))).toBe(false);
    const deletions = world.front.callsOf("DELETE", new RegExp(`messages/${id}$`));
    expect(deletions.map(({ status }) => status)).toEqual([204]);
    expect(postsIn(world.channel).some((call) => contentOf(call).includes(code))).toBe(false);
  });

  it("in a channel where we may not delete is redeemed all the same, and its person asked to", async () => {
    const [code = ""] = await createCards("LEFT", 1);
    world.front.mayDeleteMessages = false;
    const id = await mention(code, world.channel);
    expect(await answerIn(world.channel, id)).toContain("delete the one with the code yourself");
    const direct = await world.directChannel(world.bob);
    await until(async () =>
      expect((await world.texts(direct)).filter((text) => text.includes("added"))).toHaveLength(2),
    );
    world.front.mayDeleteMessages = true;
  });
});
