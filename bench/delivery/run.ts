import type { ChatAddress } from "../../src/core/chat/chat-address.ts";
import { FakeClock } from "../../test/fakes/fake-clock.ts";
import { Answer } from "./answer.ts";
import type { Editor, EditorFactory } from "./editors.ts";
import { LimitedChat, type Screen } from "./limited-chat.ts";
import type { BenchPlatform } from "./platforms.ts";
import { createRandom } from "./random.ts";

const STREAM_MS = 60_000;
/** People do not all ask in the same second. */
const START_SPREAD_MS = 10_000;
const FIRST_TOKEN_MS = 500;
const TOKENS_PER_SECOND = { min: 12, spread: 16 };
const RECEIPT = "\n\nReceipt: 3 credits, 97 left.";

export interface StreamResult {
  readonly isGroup: boolean;
  readonly calls: Screen["calls"];
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly messages: number;
  /** At each change of the screen: how long the oldest hidden character had been there. */
  readonly changes: readonly { readonly atMs: number; readonly lagMs: number }[];
  /** From the end of the answer until all of it stood on the screen. */
  readonly finalAfterMs: number;
  /** The final text is there, exactly, and nothing old came after it. */
  readonly isExact: boolean;
}

export interface RunResult {
  readonly streams: readonly StreamResult[];
  readonly refusals: number;
}

/** Streams an answer into every chat of a platform at once, on a virtual clock. */
export async function run(
  platform: BenchPlatform,
  createFactory: (chat: LimitedChat, clock: FakeClock) => EditorFactory,
  seed: number,
): Promise<RunResult> {
  const clock = new FakeClock({ autoAdvance: true });
  const count = platform.privateChats + platform.groups;
  const channels = Array.from({ length: count }, (_, index) => `${index}`);
  const groups = new Set(channels.slice(platform.privateChats));
  const { capabilities } = platform;
  const chat = new LimitedChat(
    capabilities,
    platform.createModel(),
    groups,
    clock,
    createRandom(seed),
  );
  const createEditor = createFactory(chat, clock);
  const streams = channels.map(async (channel, index): Promise<StreamResult> => {
    const random = createRandom(seed + 1 + index);
    const isGroup = groups.has(channel);
    const to: ChatAddress = { platform: "bench", bot: "bot", channel, thread: null };
    await clock.sleep(Math.round(random() * START_SPREAD_MS));
    const editor = createEditor(to, !isGroup);
    await clock.sleep(FIRST_TOKEN_MS);
    return { isGroup, ...(await stream(editor, chat.screenOf(channel), clock, random)) };
  });
  return { streams: await Promise.all(streams), refusals: chat.refusals };
}

async function stream(
  editor: Editor,
  screen: Screen,
  clock: FakeClock,
  random: () => number,
): Promise<Omit<StreamResult, "isGroup">> {
  const answer = new Answer();
  const watch = watchScreen(screen, answer, clock);
  const tokensPerSecond = TOKENS_PER_SECOND.min + random() * TOKENS_PER_SECOND.spread;
  await answer.write(clock, random, { durationMs: STREAM_MS, tokensPerSecond }, (text) =>
    editor.write(text),
  );
  answer.add(RECEIPT, answer.endedAtMs);
  await editor.finish(answer.text);
  return {
    calls: screen.calls,
    startedAtMs: answer.startedAtMs,
    endedAtMs: answer.endedAtMs,
    messages: screen.messages.size,
    changes: watch.changes,
    finalAfterMs: watch.completeAtMs() - answer.endedAtMs,
    isExact: watch.isExact(),
  };
}

function watchScreen(screen: Screen, answer: Answer, clock: FakeClock) {
  const changes: { atMs: number; lagMs: number }[] = [];
  let shownCount = 0;
  let isNeverStale = true;
  let completeAtMs = Number.POSITIVE_INFINITY;
  const texts = () => [...screen.messages.values()].map(({ text }) => text);
  screen.onChange = () => {
    const nowMs = clock.now().getTime();
    if (answer.length > shownCount) {
      changes.push({ atMs: nowMs, lagMs: answer.lagMs(shownCount, nowMs) });
    }
    const count = answer.countShown(texts());
    if (count === null || count < shownCount) isNeverStale = false;
    shownCount = count ?? 0;
    const isComplete = answer.endedAtMs > 0 && shownCount === answer.length;
    if (isComplete) completeAtMs = Math.min(completeAtMs, nowMs);
  };
  return {
    changes,
    completeAtMs: () => completeAtMs,
    isExact: () => isNeverStale && answer.isExactly(texts()),
  };
}
