import type { Clock } from "./clock.ts";
import type { ReplyFeed } from "./reply-feed.ts";
import type { BotKey } from "./reply-queue.ts";

/** Faster than any platform shows edits, slow enough to cost next to nothing. */
const PUBLISH_INTERVAL_MS = 80;
/** A gateway that missed a message or started late is whole again after so many. */
const SNAPSHOT_EVERY = 25;

/**
 * Sends what was written since the last time over the feed, at most every `PUBLISH_INTERVAL_MS`,
 * and now and then the whole text. It needs no timer: the answer's next delta drives it, and what
 * remains at the end is in the final text.
 */
export class PreviewPublisher {
  readonly #feed: ReplyFeed;
  readonly #clock: Clock;
  readonly #reply: { readonly replyId: string; readonly bot: BotKey; readonly attempt: number };
  #publishedLength = 0;
  #publishedAtMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(
    feed: ReplyFeed,
    clock: Clock,
    reply: { readonly replyId: string; readonly bot: BotKey; readonly attempt: number },
  ) {
    this.#feed = feed;
    this.#clock = clock;
    this.#reply = reply;
  }

  publish(text: string): void {
    const nowMs = this.#clock.now().getTime();
    if (nowMs - this.#publishedAtMs < PUBLISH_INTERVAL_MS) return;
    const offset = this.#count % SNAPSHOT_EVERY === 0 ? 0 : this.#publishedLength;
    this.#feed.publishProgress({
      type: "text",
      ...this.#reply,
      offset,
      text: text.slice(offset),
    });
    this.#count += 1;
    this.#publishedLength = text.length;
    this.#publishedAtMs = nowMs;
  }
}
