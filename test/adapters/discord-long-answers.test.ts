import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SentMessage } from "../../src/core/chat/chat-adapter.ts";
import { EditBudget } from "../../src/core/chat/edit-budget.ts";
import { ReplyWriter } from "../../src/core/chat/reply-writer.ts";
import type { CommandContext } from "../../src/core/commands/command.ts";
import { tellAnswer } from "../../src/core/commands/tell-answer.ts";
import { textsFor } from "../../src/core/texts/locales.ts";
import { ConnectedDiscord, DiscordWorld, outgoing } from "../fakes/discord/connected-discord.ts";
import type { FrontCall } from "../fakes/discord-front.ts";

const MINUTE_MS = 60_000;
const LENGTH_MAX = 2_000;
const STOP = { action: "stop" as const, replyId: "r-1", label: "Stop" };
const FINAL_BUTTONS = [
  { action: "retry" as const, replyId: "r-1", label: "Retry" },
  { action: "new" as const, replyId: "r-1", label: "New" },
];

let world: DiscordWorld;
let discord: ConnectedDiscord;

beforeEach(async () => {
  world = await DiscordWorld.start();
  discord = await ConnectedDiscord.start(world);
});

afterEach(async () => {
  await discord[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 20 });

function budget(): EditBudget {
  const { pace, callsPerSecondMax } = discord.adapter.capabilities;
  return new EditBudget(world.clock, pace, callsPerSecondMax);
}

function writerFor(replyTo: string | null): ReplyWriter {
  return new ReplyWriter({
    ...{ sender: discord.adapter, address: discord.address(world.channel), isDirect: false },
    ...{ budget: budget(), clock: world.clock, replyTo, existing: [], onSent: async () => {} },
    ...{ placeholderText: "…", restText: "…", stopButton: STOP, onPreviewFailed: () => {} },
  });
}

const channelCalls = (method: string) =>
  world.front.callsOf(method, new RegExp(`^/channels/${world.channel}/messages`));
const contentOf = (call: FrontCall | undefined) => String(call?.body.content);
const isPrivate = ({ answer }: FrontCall) =>
  world.front.interactions.isPrivateMessage(String(answer.id));

describe("an answer to /ask that takes longer than 15 minutes", () => {
  it("goes by the interaction's own way, then on as a normal message, and stands there once", async () => {
    const id = await world.command("/ask something hard");
    await until(() => expect(discord.core.messages).toHaveLength(1));
    const writer = writerFor(id);
    writer.write("The first half");
    await until(() => expect(world.webhookCallsOf(id).map(contentOf)).toEqual(["The first half"]));
    world.clock.advance(14 * MINUTE_MS);
    writer.write("The first half, a little more");
    await until(() => expect(world.webhookCallsOf(id)).toHaveLength(2));
    expect(channelCalls("POST")).toEqual([]);

    world.clock.advance(MINUTE_MS);
    writer.write("The first half, a little more, the second half");
    await until(() => expect(channelCalls("POST")).toHaveLength(1));
    world.clock.advance(10_000);
    await writer.finish({ text: "The whole answer", buttons: FINAL_BUTTONS });
    // Discord was never asked by a token that is over.
    expect(world.webhookCallsOf(id)).toHaveLength(2);
    expect(channelCalls("PATCH").map(contentOf)).toEqual(["The whole answer"]);
    expect(await world.texts(world.channel)).toEqual(["The whole answer"]);
  });

  it("that only its person may see goes on in their direct messages", async () => {
    const { adapter } = discord;
    let letGo = () => {};
    const sending = new Promise<SentMessage>((resolve, reject) => {
      discord.core.answer = async ({ sender }) => {
        const to = await adapter.openDirectChat(sender);
        adapter.send(to ?? fail(), outgoing("one")).then(resolve, reject);
        // It is still being handled meanwhile.
        await new Promise<void>((release) => {
          letGo = release;
        });
      };
    });
    const id = await world.command("/balance");
    const sent = await sending;
    expect(world.webhookCallsOf(id).every(isPrivate)).toBe(true);
    world.clock.advance(15 * MINUTE_MS);
    const editing = adapter.edit(sent, outgoing("two"));
    await expect(editing).rejects.toMatchObject({ kind: "message_gone" });
    const direct = await world.directChannel(world.ann);
    const { address } = await adapter.send(sent.address, outgoing("two"));
    expect(address).toEqual(discord.address(direct));
    expect(await world.texts(direct)).toEqual(["two"]);
    expect(channelCalls("POST")).toEqual([]);
    letGo();
  });
});

describe("a long answer", () => {
  const code = Array.from({ length: 120 }, (_, line) => `let value${line} = ${line} * 2;`).join(
    "\n",
  );
  const text = `Here it is.\n\n\`\`\`js\n${code}\n\`\`\`\n\n${"That was it. ".repeat(60).trim()}`;

  it("flows over at 2000 characters, with every code block whole and nothing lost", async () => {
    const writer = writerFor(null);
    writer.write(text);
    await until(() => expect(channelCalls("POST").length).toBeGreaterThan(0));
    await writer.finish({ text, buttons: FINAL_BUTTONS });
    const texts = await world.texts(world.channel);
    expect(texts.length).toBeGreaterThan(1);
    for (const part of texts) {
      expect(part.length).toBeLessThanOrEqual(LENGTH_MAX);
      expect(part.split("```").length % 2).toBe(1);
    }
    const lines = texts.join("\n").split("\n");
    const inCode = lines.filter((line) => line.startsWith("let value"));
    expect(inCode.join("\n")).toBe(code);
    expect(texts.join(" ").match(/That was it\./g)).toHaveLength(60);
    expect(world.front.calls.filter(({ status }) => status >= 400)).toEqual([]);
  });

  it("has a Stop button while it grows, then Retry and New, under its last message only", async () => {
    const writer = writerFor(null);
    writer.write("growing");
    await until(() => expect(channelCalls("POST")).toHaveLength(1));
    expect(JSON.stringify(channelCalls("POST")[0]?.body.components)).toContain("stop:r-1");
    await writer.finish({ text, buttons: FINAL_BUTTONS });
    const messages = await world.twin.channel(world.channel).getMessages();
    const ids = messages.map(({ components }) =>
      [...JSON.stringify(components ?? []).matchAll(/"custom_id":"(\w+):/g)].map(([, id]) => id),
    );
    expect(ids.at(-1)).toEqual(["retry", "new"]);
    expect(ids.slice(0, -1).flat()).toEqual([]);
    // Each of them reaches the core.
    const last = messages.at(-1)?.id ?? fail();
    for (const { action } of [STOP, ...FINAL_BUTTONS]) {
      const scope = world.twin.channel(world.channel).user(world.bob);
      await scope.clickButton({ messageId: last, customId: `${action}:r-1` });
    }
    await until(() =>
      expect(discord.core.actions.map(({ action }) => action)).toEqual(["stop", "retry", "new"]),
    );
  });
});

describe("a command's answer of more than 2000 characters", () => {
  const lines = Array.from({ length: 100 }, (_, line) => `- ${line}: lot with some credit in it`);
  const text = lines.join("\n");

  it.each([
    ["that the core tells in private", { text, isPrivate: true }],
    ["that it tells where it was asked", { text }],
  ])("%s is private to its end when its command is, and nothing is lost", async (_, answer) => {
    discord.core.answer = async (message) => {
      const context = { message, texts: textsFor("en"), isAdmin: false } as unknown;
      const connection = { sender: discord.adapter, budget: budget() };
      await tellAnswer(context as CommandContext, answer, connection);
    };
    const id = await world.command("/buy");
    await until(() => expect(discord.inbox.events.at(-1)?.isHandled).toBe(true));
    const answers = world.webhookCallsOf(id);
    expect(answers.map(({ method }) => method)).toEqual(["PATCH", "POST"]);
    expect(answers.every(isPrivate)).toBe(true);
    expect(answers.map(contentOf).join("\n")).toBe(text);
    // Nothing of it is seen by the channel.
    expect(channelCalls("POST")).toEqual([]);
    expect(world.front.callsOf("POST", /@me\/channels/)).toEqual([]);
  });
});

function fail(): never {
  throw new Error("missing");
}
