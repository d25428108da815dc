import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EditBudget } from "../../src/core/chat/edit-budget.ts";
import type { IncomingMessage } from "../../src/core/chat/incoming-message.ts";
import type { CommandContext } from "../../src/core/commands/command.ts";
import { tellAnswer } from "../../src/core/commands/tell-answer.ts";
import { textsFor } from "../../src/core/texts/locales.ts";
import { ConnectedDiscord, DiscordWorld, outgoing } from "../fakes/discord/connected-discord.ts";

const ONLY_FOR_YOU = 64;

let world: DiscordWorld;

beforeAll(async () => {
  world = await DiscordWorld.start();
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 8_000, interval: 20 });

/** Answers as the core answers a private command in a group. */
async function answerInPrivate(
  { adapter }: ConnectedDiscord,
  message: IncomingMessage,
  text: string,
) {
  const { pace, callsPerSecondMax } = adapter.capabilities;
  const budget = new EditBudget(world.clock, pace, callsPerSecondMax);
  const context = { message, texts: textsFor("en"), isAdmin: false } as unknown as CommandContext;
  const answer = { text, isPrivate: true, groupText: "Done.", deletesMessage: true };
  await tellAnswer(context, answer, { sender: adapter, budget });
}

describe("/redeem in a channel", () => {
  it("is answered for its person alone, from the very first response on", async () => {
    await using discord = await ConnectedDiscord.start(world);
    const before = world.sends().length;
    discord.core.answer = (message) => answerInPrivate(discord, message, "You got 10 credits.");
    const id = await world.command("/redeem ABCD-EFGH-JKLM");
    await until(() => expect(discord.inbox.events.at(-1)?.isHandled).toBe(true));
    expect(discord.core.messages[0]).toMatchObject({
      ...{ id, text: "/redeem ABCD-EFGH-JKLM", isDirect: false },
      address: { channel: world.channel, thread: null },
    });
    expect(world.callbacksOf(id).map(({ body }) => body)).toEqual([
      { type: 5, data: { flags: ONLY_FOR_YOU } },
    ]);
    // One answer, and nothing in public: neither the code nor a word about it.
    const [answer, ...more] = world.webhookCallsOf(id);
    expect(more).toEqual([]);
    expect(answer).toMatchObject({ method: "PATCH", body: { content: "You got 10 credits." } });
    expect(world.front.interactions.isPrivateMessage(String(answer?.answer.id))).toBe(true);
    expect(world.sends()).toHaveLength(before);
    expect(JSON.stringify(discord.log.lines)).not.toContain("ABCD");
  });

  it("keeps a long answer private to its end, also when it is edited", async () => {
    await using discord = await ConnectedDiscord.start(world);
    discord.core.answer = async ({ sender }) => {
      const to = await discord.adapter.openDirectChat(sender);
      if (to === null) throw new Error("no direct chat");
      const first = await discord.adapter.send(to, outgoing("one"));
      await discord.adapter.send(first.address, outgoing("two"));
      await discord.adapter.sendFile(to, { name: "a.txt", content: "x", caption: "three" });
      await discord.adapter.edit(first, outgoing("one again"));
    };
    const id = await world.command("/balance");
    await until(() => expect(discord.inbox.events.at(-1)?.isHandled).toBe(true));
    const isPrivate = world
      .webhookCallsOf(id)
      .map(({ answer }) => world.front.interactions.isPrivateMessage(String(answer.id)));
    expect(isPrivate).toEqual([true, true, true, true]);
  });

  it("is answered in its own place, also when the same person asks elsewhere meanwhile", async () => {
    await using discord = await ConnectedDiscord.start(world);
    let letGo = () => {};
    const hanging = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    discord.core.answer = async (message) => {
      await answerInPrivate(discord, message, `answer to ${message.text}`);
      if (message.text === "/usage") await hanging;
    };
    const first = await world.command("/usage");
    await until(() => expect(world.webhookCallsOf(first)).toHaveLength(1));
    const second = await world.command("/balance", { channel: world.otherChannel });
    await until(() => expect(world.webhookCallsOf(second)).toHaveLength(1));
    letGo();
    const contents = [first, second].map((id) => world.webhookCallsOf(id)[0]?.body.content);
    expect(contents).toEqual(["answer to /usage", "answer to /balance"]);
    await discord.adapter.stopListening();
    expect([...world.webhookCallsOf(first), ...world.webhookCallsOf(second)]).toHaveLength(2);
  });

  it("leads to direct messages once it has been handled", async () => {
    await using discord = await ConnectedDiscord.start(world);
    const id = await world.command("/usage");
    await until(() => expect(discord.inbox.events.at(-1)?.isHandled).toBe(true));
    const direct = await discord.adapter.openDirectChat({
      ...{ platformUserId: world.ann, displayName: "Ann", username: null, locale: null },
    });
    expect(direct).toEqual(discord.address(await world.directChannel(world.ann)));
    // The core said nothing, so "thinking …" is gone.
    const removals = () => world.webhookCallsOf(id).filter(({ method }) => method === "DELETE");
    await until(() => expect(removals()).toHaveLength(1));
  });
});
