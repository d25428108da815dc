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
async function stream(address: ChatAddress, budget: EditBudget, name: string): Promise<string> {
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
    writer.write(text);
    await systemClock.sleep(UPDATE_MS);
  }
  await writer.finish({ text, buttons: [] });
  return text;
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

describe("an answer that grows in 60 quick steps", () => {
  it("stays within five calls in five seconds, is never refused and ends exactly", async () => {
    const text = await stream(discord.address(world.channel), createBudget(), "one");
    const calls = callsIn(world.channel);
    expect(calls.filter(({ status }) => status === 429)).toEqual([]);
    expect(calls.length).toBeGreaterThan(3);
    expect(densest(calls.map(({ atMs }) => atMs))).toBeLessThanOrEqual(5);
    expect(await world.texts(world.channel)).toEqual([text]);
    // The Stop button is gone with the last edit.
    expect(calls.at(-1)?.body.components).toEqual([]);
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
    expect((await world.texts(world.otherChannel)).sort()).toEqual(texts.sort());
  });

  it("is left alone for as long as Discord asks, and then gets the newest text only", async () => {
    // Nobody outside Discord knows whether edits and sends share a limit: here they do not.
    world.front.editsShareBucket = false;
    const channel = await world.directChannel(world.bob);
    world.front.failNext("PATCH", new RegExp(`/channels/${channel}/`), { retryAfterSeconds: 3 });
    const text = await stream(discord.address(channel), createBudget(), "three");
    const calls = callsIn(channel);
    const refused = calls.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(1);
    const refusedAtMs = refused[0]?.atMs ?? 0;
    const inPause = calls.filter(({ atMs }) => atMs > refusedAtMs && atMs < refusedAtMs + 3_000);
    expect(inPause).toEqual([]);
    expect(await world.texts(channel)).toEqual([text]);
  });
});
