import { describe, expect, it } from "vitest";
import { TELEGRAM_CAPABILITIES } from "../../src/adapters/telegram/telegram-capabilities.ts";
import type { ChatPace } from "../../src/core/chat/chat-adapter.ts";
import { RateModel } from "../fakes/telegram/rate-model.ts";

const MINUTE_MS = 60_000;

/** When the calls of ten minutes go out, if there is always one to make. */
function busiestSchedule({ burst, refillMs }: ChatPace): number[] {
  const times = Array.from({ length: burst }, () => 0);
  for (let at = refillMs; at <= 10 * MINUTE_MS; at += refillMs) times.push(at);
  return times;
}

function spendAll(chatId: number, times: readonly number[]): void {
  let now = 0;
  const rates = new RateModel(() => now);
  for (const at of times) {
    now = at;
    rates.heard(chatId);
    rates.spend(chatId);
  }
}

describe("the pace we keep on Telegram", () => {
  const { pace, edit } = TELEGRAM_CAPABILITIES;

  it.each([
    ["a private chat", 1, pace.direct],
    ["a group", -1, pace.group],
  ])("never exceeds what Telegram allows in %s", (_, chatId, chatPace) => {
    expect(() => spendAll(chatId, busiestSchedule(chatPace))).not.toThrow();
    expect(() => spendAll(chatId, busiestSchedule({ ...chatPace, burst: 21 }))).toThrow();
  });

  it("makes at most 20 calls in any minute in a group", () => {
    const times = busiestSchedule(pace.group);
    for (const start of times) {
      const calls = times.filter((at) => at >= start && at <= start + MINUTE_MS);
      expect(calls.length).toBeLessThanOrEqual(20);
    }
  });

  it("edits no faster than it may", () => {
    expect(edit).toMatchObject({
      directIntervalMsMin: 1_100,
      groupIntervalMsMin: 3_100,
      windowMs: null,
    });
  });
});
