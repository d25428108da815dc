import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CombinedReplyFeed } from "../../src/workers/combined-reply-feed.ts";
import type { FeedMessage, FeedWire } from "../../src/workers/feed-wire.ts";
import { text } from "../contract/reply-feed.contract.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

/** A wire that takes as long as a test says and shows what it was given. */
class FakeWire implements FeedWire {
  readonly payloadBytesMax = 100_000_000;
  readonly sent: FeedMessage[][] = [];
  #gate: Promise<void> = Promise.resolve();

  /** What is sent from now on is on its way until the returned function is called. */
  block(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  async start(): Promise<void> {}

  async send(messages: readonly FeedMessage[]): Promise<void> {
    this.sent.push([...messages]);
    await this.#gate;
  }

  async stop(): Promise<void> {}

  get texts(): (string | undefined)[] {
    return this.sent.flat().map(({ payload }) => JSON.parse(payload).text);
  }
}

describe("CombinedReplyFeed", () => {
  let wire: FakeWire;
  let log: RecordedLog;
  let feed: CombinedReplyFeed;

  beforeEach(() => {
    vi.useFakeTimers();
    wire = new FakeWire();
    log = new RecordedLog();
    feed = new CombinedReplyFeed(wire, log);
  });
  afterEach(async () => {
    await feed.stop();
    vi.useRealTimers();
  });

  it("sends the first words of a quiet moment at once", () => {
    feed.publishProgress(text("1", 0, "Hello"));
    expect(wire.texts).toEqual(["Hello"]);
  });

  it("sends what follows as one message a reply, thirty milliseconds later", async () => {
    feed.publishProgress(text("1", 0, "a"));
    await vi.advanceTimersByTimeAsync(0);
    for (let offset = 1; offset < 100; offset += 1) feed.publishProgress(text("1", offset, "a"));
    feed.publishProgress(text("2", 0, "b"));
    await vi.advanceTimersByTimeAsync(29);
    expect(wire.sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(wire.sent[1]?.map(({ payload }) => JSON.parse(payload))).toMatchObject([
      { replyId: "1", offset: 1, text: "a".repeat(99) },
      { replyId: "2", offset: 0, text: "b" },
    ]);
  });

  it("never sends twice at the same time, and lets a slow wire catch up in one go", async () => {
    const release = wire.block();
    feed.publishProgress(text("1", 0, "a"));
    for (let offset = 1; offset < 1_000; offset += 1) {
      feed.publishProgress(text("1", offset, "a"));
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(wire.sent).toHaveLength(1);
    release();
    await vi.advanceTimersByTimeAsync(30);
    expect(wire.texts).toEqual(["a", "a".repeat(999)]);
  });

  it("drops previews beyond two million characters, but no stop signal", async () => {
    const release = wire.block();
    feed.publishProgress(text("1", 0, "a"));
    feed.publishProgress(text("2", 0, "b".repeat(1_999_000)));
    feed.publishProgress(text("3", 0, "c".repeat(2_000)));
    feed.publishStop("4");
    release();
    await vi.advanceTimersByTimeAsync(30);
    expect(wire.texts.map((one) => one?.length)).toEqual([1, undefined, 1_999_000]);
    expect(wire.sent[1]?.map(({ channel }) => channel)).toEqual(["stop", "progress"]);
    feed.publishProgress(text("3", 0, "c"));
    await vi.advanceTimersByTimeAsync(30);
    expect(wire.texts.at(-1)).toBe("c");
  });

  it("goes on after the wire failed", async () => {
    vi.spyOn(wire, "send").mockRejectedValueOnce(new Error("no connection"));
    feed.publishProgress(text("1", 0, "lost"));
    await vi.advanceTimersByTimeAsync(30);
    feed.publishProgress(text("1", 4, " and found"));
    await vi.advanceTimersByTimeAsync(30);
    expect(wire.texts).toEqual([" and found"]);
    expect(log.lines).toMatchObject([{ level: "warn", fields: { reason: "no connection" } }]);
  });

  it("sends what waits when it stops", async () => {
    feed.publishProgress(text("1", 0, "a"));
    feed.publishProgress(text("1", 1, "b"));
    await feed.stop();
    expect(wire.texts).toEqual(["a", "b"]);
  });
});
