import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ReplyFeed, ReplyProgress } from "../../src/core/reply-feed.ts";

/** Two ends of a feed: those of two processes, or the same one twice where there is only one. */
export interface FeedUnderTest extends AsyncDisposable {
  readonly here: ReplyFeed;
  readonly there: ReplyFeed;
}

type TextProgress = Extract<ReplyProgress, { type: "text" }>;

const WAIT = { timeout: 10_000, interval: 5 };
const bot = { platform: "telegram", bot: "42" };

export const text = (
  replyId: string,
  offset: number,
  delta: string,
  attempt = 1,
): TextProgress => ({
  type: "text",
  replyId,
  bot,
  attempt,
  offset,
  text: delta,
});

/** What a gateway makes of the progress it hears: the text of every reply. */
export function assembled(heard: readonly ReplyProgress[]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const progress of heard) {
    if (progress.type !== "text") continue;
    const before = progress.offset === 0 ? "" : (texts[progress.replyId] ?? "");
    expect(before).toHaveLength(progress.offset);
    texts[progress.replyId] = before + progress.text;
  }
  return texts;
}

/** What any feed must do, whatever carries it. */
export function replyFeedContract(name: string, create: () => Promise<FeedUnderTest>): void {
  describe(`${name} keeps the reply feed contract`, () => {
    let underTest: FeedUnderTest;
    let here: ReplyFeed;
    let there: ReplyFeed;
    let heardHere: ReplyProgress[];
    let heardThere: ReplyProgress[];

    beforeEach(async () => {
      underTest = await create();
      ({ here, there } = underTest);
      heardHere = [];
      heardThere = [];
      here.subscribeProgress((progress) => heardHere.push(progress));
      there.subscribeProgress((progress) => heardThere.push(progress));
    });
    afterEach(() => underTest[Symbol.asyncDispose]());

    /** Whatever was published before has arrived when this returns. */
    const untilCaughtUp = async (): Promise<void> => {
      const { promise: arrived, resolve } = Promise.withResolvers<void>();
      const unsubscribe = there.subscribeStop((replyId) => {
        if (replyId === "last") resolve();
      });
      // Stop signals overtake the previews they travel with, so they go twice.
      here.publishStop("last");
      await arrived;
      unsubscribe();
      const { promise: again, resolve: resolveAgain } = Promise.withResolvers<void>();
      const unsubscribeAgain = there.subscribeStop(() => resolveAgain());
      here.publishStop("last");
      await again;
      unsubscribeAgain();
    };

    it("tells the start of a reply and how it grows", async () => {
      const started = { type: "started", replyId: "1", bot } as const;
      here.publishProgress(started);
      here.publishProgress(text("1", 0, "你好"));
      here.publishProgress(text("1", 2, ", 世界"));
      await untilCaughtUp();
      expect(heardThere[0]).toEqual(started);
      expect(assembled(heardThere)).toEqual({ "1": "你好, 世界" });
      expect(heardThere.every((progress) => progress.bot.bot === "42")).toBe(true);
    });

    it("tells listeners of the same process at once, and only once", async () => {
      here.publishProgress(text("1", 0, "Hello"));
      expect(heardHere).toEqual([text("1", 0, "Hello")]);
      await untilCaughtUp();
      expect(heardHere).toEqual([text("1", 0, "Hello")]);
    });

    it("carries stop signals to others and to itself, once each", async () => {
      const stops: string[] = [];
      here.subscribeStop((replyId) => stops.push(`here ${replyId}`));
      if (there !== here) there.subscribeStop((replyId) => stops.push(`there ${replyId}`));
      there.publishStop("7");
      const expected = there === here ? ["here 7"] : ["here 7", "there 7"];
      await vi.waitFor(() => expect(stops.toSorted()).toEqual(expected), WAIT);
      await untilCaughtUp();
      expect(stops.filter((stop) => stop.endsWith("7")).toSorted()).toEqual(expected);
    });

    it.each([
      { what: "long", long: "a".repeat(100_000) },
      { what: "long Chinese", long: "点卡".repeat(20_000) },
      { what: "full of emoji", long: "👩‍👩‍👧‍👦".repeat(5_000) },
      { what: "full of what JSON escapes", long: '"\\\n\u0000\u001f\ud800'.repeat(3_000) },
    ])("carries a text that is $what, as it is and in one piece", async ({ long }) => {
      here.publishProgress(text("1", 0, "so "));
      here.publishProgress(text("1", 3, long));
      here.publishProgress(text("1", 3 + long.length, "."));
      await untilCaughtUp();
      expect(assembled(heardThere)).toEqual({ "1": `so ${long}.` });
      expect(heardThere.length).toBeLessThanOrEqual(3);
    });

    it("keeps many replies apart", async () => {
      const expected: Record<string, string> = {};
      for (let step = 0; step < 20; step += 1) {
        for (let reply = 0; reply < 50; reply += 1) {
          const before = expected[reply] ?? "";
          here.publishProgress(text(`${reply}`, before.length, `${reply}.${step} `));
          expected[reply] = `${before}${reply}.${step} `;
        }
      }
      await untilCaughtUp();
      expect(assembled(heardThere)).toEqual(expected);
    });

    it("starts anew when a text starts at 0, as after a takeover", async () => {
      here.publishProgress(text("1", 0, "The first attem"));
      here.publishProgress(text("1", 0, "The second", 2));
      here.publishProgress(text("1", 10, " attempt", 2));
      await untilCaughtUp();
      expect(assembled(heardThere)).toEqual({ "1": "The second attempt" });
      expect(heardThere.at(-1)).toMatchObject({ attempt: 2 });
    });

    it("tells nothing to who unsubscribed", async () => {
      const heard: ReplyProgress[] = [];
      const unsubscribe = there.subscribeProgress((progress) => heard.push(progress));
      unsubscribe();
      here.publishProgress(text("1", 0, "Hello"));
      await untilCaughtUp();
      expect(heard).toEqual([]);
      expect(heardThere).toHaveLength(1);
    });

    it("tells the others although one listener throws", async () => {
      const heard: ReplyProgress[] = [];
      there.subscribeProgress(() => {
        throw new Error("a bad listener");
      });
      there.subscribeProgress((progress) => heard.push(progress));
      here.publishProgress(text("1", 0, "Hello"));
      await untilCaughtUp();
      expect(heard).toHaveLength(1);
    });

    it("takes without complaint what is published after it stopped", async () => {
      await here.stop();
      here.publishProgress(text("1", 0, "Hello"));
      here.publishStop("1");
      await here.stop();
      expect(assembled(heardHere)).toEqual({ "1": "Hello" });
    });
  });
}
