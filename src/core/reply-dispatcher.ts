import type { Clock } from "./clock.ts";
import type { Logger } from "./log.ts";
import type { ReplyOutbox } from "./reply-outbox.ts";
import type { ReplyQueue } from "./reply-queue.ts";
import type { ReplyStore } from "./reply-store.ts";

/** Longer than a job needs to a worker that has time for it; a lost one is added again after this. */
const UNBEGUN_AGE_MS = 3_000;
/** A worker shows a sign of life every five seconds; adding a job that the queue still has changes nothing. */
const ORPHAN_SILENT_MS = 12_000;
/** Delivery is enqueued at once; what is older than this was lost on the way. */
const UNDELIVERED_AGE_MS = 5_000;
const SWEEP_LIMIT = 500;

export interface ReplyDispatcherParts {
  readonly replies: ReplyStore;
  readonly outbox: ReplyOutbox;
  readonly queue: ReplyQueue;
  /** Replies of one account that may be written at the same time. */
  readonly runningMax: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Hands replies to the workers: each person's in order, only so many at once, and never lost. The
 * database says what has to run; the queue only carries it. What the queue lost (a crash between
 * commit and enqueue, an emptied Redis) `sweep` finds in the database and adds again.
 */
export class ReplyDispatcher {
  readonly #parts: ReplyDispatcherParts;
  readonly #stopped = new AbortController();

  constructor(parts: ReplyDispatcherParts) {
    this.#parts = parts;
  }

  /** Hands replies that were released to the workers. Never throws. */
  run(replyIds: readonly string[]): void {
    void this.#add(replyIds);
  }

  /** Releases the account's next replies once `waitMs` is over. Never throws. */
  schedule(accountId: string, waitMs: number): void {
    void this.#releaseLater(accountId, waitMs);
  }

  /** Releases what may run now. Never throws: what fails here the sweeper does. */
  async release(accountId: string): Promise<void> {
    try {
      await this.#add(await this.#parts.replies.release(accountId, this.#parts.runningMax));
    } catch (error) {
      this.#parts.log.warn({ err: error, accountId }, "release is left to the sweeper");
    }
  }

  /** Has a reply that ended brought to its chat. Never throws. */
  async deliver(reply: { id: string; platform: string; bot: string }): Promise<void> {
    try {
      await this.#parts.queue.addDelivery(
        { platform: reply.platform, bot: reply.bot },
        { kind: "reply", id: reply.id },
      );
    } catch (error) {
      this.#parts.log.warn({ err: error, replyId: reply.id }, "delivery is left to the sweeper");
    }
  }

  /** Finds what the queue does not know of and adds it. Adding what it knows changes nothing. */
  async sweep(): Promise<void> {
    for (const accountId of await this.#parts.outbox.listReleasable(
      this.#parts.runningMax,
      SWEEP_LIMIT,
    )) {
      await this.release(accountId);
    }
    await this.#add(await this.#parts.outbox.listUnbegun(UNBEGUN_AGE_MS, SWEEP_LIMIT));
    for (const replyId of await this.#parts.outbox.listOrphans(ORPHAN_SILENT_MS, SWEEP_LIMIT)) {
      await this.#parts.queue.addReply(replyId);
    }
    for (const reply of await this.#parts.outbox.listUndelivered(UNDELIVERED_AGE_MS, SWEEP_LIMIT)) {
      await this.deliver(reply);
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #add(replyIds: readonly string[]): Promise<void> {
    for (const replyId of replyIds) {
      try {
        await this.#parts.queue.addReply(replyId);
      } catch (error) {
        this.#parts.log.warn({ err: error, replyId }, "start is left to the sweeper");
      }
    }
  }

  async #releaseLater(accountId: string, waitMs: number): Promise<void> {
    // A few milliseconds more, so that the database's clock has surely passed the mark.
    if (waitMs > 0) await this.#parts.clock.sleep(waitMs + 20, this.#stopped.signal);
    if (!this.#stopped.signal.aborted) await this.release(accountId);
  }
}
