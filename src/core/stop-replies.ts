import type { ReplyDispatcher } from "./reply-dispatcher.ts";
import type { ReplyFeed } from "./reply-feed.ts";
import type { ReplyStore, StopWhere } from "./reply-store.ts";

/**
 * Stops answers of a person: those being written end with what came and are paid for that much,
 * those still waiting end for nothing.
 */
export class StopReplies {
  readonly #replies: ReplyStore;
  readonly #feed: ReplyFeed;
  readonly #dispatcher: ReplyDispatcher;

  constructor(replies: ReplyStore, feed: ReplyFeed, dispatcher: ReplyDispatcher) {
    this.#replies = replies;
    this.#feed = feed;
    this.#dispatcher = dispatcher;
  }

  /** Stops a reply no worker has begun; 0 when it is too late for that. */
  async stopWaiting(accountId: string, replyId: string): Promise<number> {
    return await this.stop(accountId, { replyId, onlyWaiting: true });
  }

  /** Returns how many were stopped. */
  async stop(accountId: string, where: StopWhere): Promise<number> {
    const { ended, running } = await this.#replies.requestStop(accountId, where);
    for (const replyId of running) this.#feed.publishStop(replyId);
    for (const replyId of ended) {
      const reply = await this.#replies.find(replyId);
      if (reply === null) continue;
      await this.#dispatcher.deliver({
        id: replyId,
        platform: reply.address.platform,
        bot: reply.address.bot,
      });
    }
    return ended.length + running.length;
  }
}
