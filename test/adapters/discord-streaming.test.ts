import { generateSnowflake } from "discord-digital-twin";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChatAddress } from "../../src/core/chat/chat-address.ts";
import { EditBudget } from "../../src/core/chat/edit-budget.ts";
import { ReplyWriter } from "../../src/core/chat/reply-writer.ts";
import { systemClock } from "../../src/system-clock.ts";
import { ConnectedDiscord, DiscordWorld } from "../fakes/discord/connected-discord.ts";

const UPDATES = 60;
const UPDATE_MS = 100;

let world: DiscordWorld;
let discord: ConnectedDiscord;

beforeAll(async () => {
  world = await DiscordWorld.start();
  // Sending needs no gateway.
  discord = new ConnectedDiscord(world, { clock: systemClock });
});

afterAll(async () => {
  await discord[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** One budget a bot, as the program has it. */
function createBudget(): EditBudget {
  const { pace, callsPerSecondMax } = discord.adapter.capabilities;
  return new EditBudget(systemClock, pace, callsPerSecondMax);
}

/** Writes one answer word by word. */
async function stream(
  address: ChatAddress,
  budget: EditBudget,
  name: string,
  updateMs = UPDATE_MS,
  onText = (_text: string) => {},
) {
  const writer = new ReplyWriter({
    ...{ sender: discord.adapter, address, isDirect: false, budget, clock: systemClock },
    ...{ replyTo: null, existing: [], onSent: async () => {}, placeholderText: "…", restText: "…" },
    ...{ stopButton: { action: "stop" as const, replyId: "r1", label: "Stop" } },
    onPreviewFailed: () => {},
  });
  writer.showPlaceholder();
  let text = name;
  for (let update = 1; update <= UPDATES; update += 1) {
    text += ` word${update}`;
    onText(text);
    writer.write(text);
    await systemClock.sleep(updateMs);
  }
  const endedAtMs = world.clock.now().getTime();
  await writer.finish({ text, buttons: [] });
  return { text, endedAtMs };
}

function callsIn(channel: string) {
  const path = new RegExp(`^/channels/${channel}/messages`);
  return world.front.calls.filter(({ path: at, method }) => path.test(at) && method !== "GET");
}

/** The most calls in any five seconds. */
function densest(atMs: readonly number[]): number {
  return Math.max(
    ...atMs.map((from) => atMs.filter((at) => at >= from && at < from + 5_000).length),
  );
}

/** A call made at the end of an edit interval takes a moment to arrive. */
const LATE_MS = 250;

describe("an answer that grows in 60 quick steps", () => {
  it.each([
    ["ten a second", UPDATE_MS],
    ["sixty a second", 16],
  ])("%s, is never refused, and ends exactly within one edit interval", async (name, updateMs) => {
    const channel = await world.directChannel(generateSnowflake());
    const address = discord.address(channel);
    const { text, endedAtMs } = await stream(address, createBudget(), name, updateMs);
    const calls = callsIn(channel);
    expect(calls.filter(({ status }) => status !== 200)).toEqual([]);
    expect(densest(calls.map(({ atMs }) => atMs))).toBeLessThanOrEqual(5);
    expect(await world.texts(channel)).toEqual([text]);
    // The Stop button is gone with the last edit.
    expect(calls.at(-1)?.body.components).toEqual([]);
    const intervalMs = discord.adapter.capabilities.edit?.groupIntervalMsMin ?? 0;
    const lateMs = (calls.at(-1)?.atMs ?? Number.POSITIVE_INFINITY) - endedAtMs;
    expect(lateMs).toBeLessThanOrEqual(intervalMs + LATE_MS);
    // It grew before their eyes, and no call carried what an earlier one had.
    const shown = calls.map(({ body }) => String(body.content));
    expect(shown.every((one, index) => index === 0 || one.startsWith(shown[index - 1] ?? ""))).toBe(
      true,
    );
    expect(calls.length).toBeGreaterThanOrEqual((UPDATES * updateMs) / 2_000);
  });

  it("has one edit in flight, and that carries the newest text", async () => {
    const channel = await world.directChannel(generateSnowflake());
    const { adapter } = discord;
    const edit = adapter.edit.bind(adapter);
    let inFlight = 0;
    let mostInFlight = 0;
    let newest = "";
    let staleEdits = 0;
    adapter.edit = async (message, content) => {
      inFlight += 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
      if (content.isDraft === true && content.text !== newest) staleEdits += 1;
      await systemClock.sleep(400);
      await edit(message, content);
      inFlight -= 1;
    };
    try {
      const onText = (text: string) => {
        newest = text;
      };
      await stream(discord.address(channel), createBudget(), "slow", UPDATE_MS, onText);
    } finally {
      adapter.edit = edit;
    }
    expect(mostInFlight).toBe(1);
    expect(staleEdits).toBe(0);
  });

  it("shares the channel's budget with another one beside it", async () => {
    const budget = createBudget();
    const address = discord.address(world.otherChannel);
    const texts = await Promise.all([
      stream(address, budget, "first"),
      stream(address, budget, "second"),
    ]);
    const calls = callsIn(world.otherChannel);
    expect(calls.filter(({ status }) => status === 429)).toEqual([]);
    expect(densest(calls.map(({ atMs }) => atMs))).toBeLessThanOrEqual(5);
    const expected = texts.map(({ text }) => text);
    expect((await world.texts(world.otherChannel)).sort()).toEqual(expected.sort());
  });

  it("is left alone for as long as Discord asks, and then gets the newest text only", async () => {
    // Nobody outside Discord knows whether edits and sends share a limit: here they do not.
    world.front.editsShareBucket = false;
    const channel = await world.directChannel(world.bob);
    world.front.failNext("PATCH", new RegExp(`/channels/${channel}/`), { retryAfterSeconds: 3 });
    const { text } = await stream(discord.address(channel), createBudget(), "three");
    const calls = callsIn(channel);
    const refused = calls.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(1);
    const refusedAtMs = refused[0]?.atMs ?? 0;
    const inPause = calls.filter(({ atMs }) => atMs > refusedAtMs && atMs < refusedAtMs + 3_000);
    expect(inPause).toEqual([]);
    expect(await world.texts(channel)).toEqual([text]);
  });
});
