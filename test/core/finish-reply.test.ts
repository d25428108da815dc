import { beforeEach, describe, expect, it } from "vitest";
import type { ChatSettings } from "../../src/core/chat-settings.ts";
import { FinishReply, type Outcome } from "../../src/core/finish-reply.ts";
import type { Reply, ReplyEnd } from "../../src/core/reply-store.ts";
import { defaultChatSettings } from "../fakes/chat-settings.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

const HOUR_MS = 3_600_000;
/** By the database's clock; the worker's own says something else in each test. */
const RELEASED_AT = new Date("2026-11-23T12:00:00Z");

let ends: ReplyEnd[];
let settings: ChatSettings;
beforeEach(() => {
  ends = [];
  settings = { ...defaultChatSettings, slowAnswerFreeAfterMs: 5_000 };
});

/** A worker that begins after `releasedMs` and says its first word `firstWordMs` and its last `answerMs` later. */
async function finish(
  clock: FakeClock,
  times: { releasedMs: number; firstWordMs: number; answerMs: number; jumpMs?: number },
): Promise<ReplyEnd | undefined> {
  const beganMs = clock.elapsedMs();
  await clock.advance(times.firstWordMs);
  const firstWordMs = clock.elapsedMs();
  if (times.jumpMs !== undefined) clock.jumpTo(new Date(clock.now().getTime() + times.jumpMs));
  await clock.advance(times.answerMs - times.firstWordMs);
  const outcome: Outcome = {
    end: "ended",
    text: "Fine.",
    source: null,
    usage: null,
    finish: "stop",
    beganMs,
    firstWordMs,
    inputTokens: 10,
    countOutput: () => 2,
  };
  await finisher(clock).finish(replyOf(times.releasedMs), outcome);
  return ends.at(-1);
}

function finisher(clock: FakeClock): FinishReply {
  return new FinishReply({
    replies: {
      finish: async (end: ReplyEnd) => {
        ends.push(end);
        return end.charge;
      },
    },
    models: { find: () => null },
    dispatcher: { deliver: async () => {}, release: async () => {} },
    settings,
    metrics: { replyFinished: () => {}, replyDelivered: () => {}, messageReceived: () => {} },
    clock,
    log: new RecordedLog(),
  });
}

function replyOf(releasedMs: number): Reply {
  return {
    id: "018f0000-0000-7000-8000-000000000001",
    accountId: "A",
    conversationId: "018f0000-0000-7000-8000-000000000002",
    questionTurnId: 1n,
    address: { platform: "fake", bot: "1", channel: "1", thread: null },
    isDirect: true,
    messageId: "1",
    locale: "en",
    state: "writing",
    modelAsked: "m",
    modelAnswered: null,
    holdId: "018f0000-0000-7000-8000-000000000003",
    unit: "message",
    heldAmount: 1n,
    inputTokensMax: 10,
    outputTokensMax: 100,
    price: {
      ...{ input: 1n, cachedInput: 1n, output: 1n },
      ...{ messageCost: 1n, creditMax: 1n, creditMin: 1n },
    },
    inputTokens: null,
    cachedTokens: null,
    outputTokens: null,
    charge: 0n,
    freeReason: null,
    failure: null,
    text: null,
    receipt: null,
    isStopRequested: false,
    attempts: 1,
    receivedAt: RELEASED_AT,
    waitedMs: 0,
    releasedAt: RELEASED_AT,
    releasedMs,
    startedAt: RELEASED_AT,
    answeredAt: null,
    deliveredAt: null,
  };
}

describe("The time to the first word", () => {
  it.each([
    ["an hour behind", -HOUR_MS],
    ["in step with", 0],
    ["an hour ahead of", HOUR_MS],
  ])("is the same for a worker whose clock is %s the database's", async (_, aheadMs) => {
    const clock = new FakeClock({ start: new Date(RELEASED_AT.getTime() + aheadMs) });
    const end = await finish(clock, { releasedMs: 700, firstWordMs: 300, answerMs: 2_300 });
    expect(end).toMatchObject({
      firstWordMs: 1_000,
      answerMs: 3_000,
      freeReason: null,
      charge: 1n,
    });
    expect(end?.firstWordAt).toEqual(new Date(RELEASED_AT.getTime() + 1_000));
  });

  it.each([-HOUR_MS, HOUR_MS])(
    "ignores that the clock is set by %i ms meanwhile",
    async (jumpMs) => {
      const times = { releasedMs: 0, firstWordMs: 400, answerMs: 900, jumpMs };
      expect(await finish(new FakeClock(), times)).toMatchObject({
        firstWordMs: 400,
        answerMs: 900,
      });
    },
  );

  it("counts the wait for a worker: the answer is free only when both together took too long", async () => {
    const late = { releasedMs: 4_000, firstWordMs: 1_001, answerMs: 2_000 };
    expect(await finish(new FakeClock(), late)).toMatchObject({ freeReason: "slow", charge: 0n });
    const inTime = { ...late, firstWordMs: 1_000 };
    expect(await finish(new FakeClock(), inTime)).toMatchObject({ freeReason: null, charge: 1n });
  });
});
