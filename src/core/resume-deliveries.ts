import type { NoticeStore } from "./admin/notice-store.ts";
import type { ChatAddress } from "./chat/chat-address.ts";
import type { ReplyDispatcher } from "./reply-dispatcher.ts";
import type { ReplyOutbox } from "./reply-outbox.ts";
import type { ReplyQueue } from "./reply-queue.ts";

/**
 * Some platforms take only so many messages for each one the person writes. What had to wait goes
 * out once they write again: the oldest answer first, the next one when that is through.
 */
export class ResumeDeliveries {
  readonly #outbox: ReplyOutbox;
  readonly #notices: NoticeStore;
  readonly #dispatcher: ReplyDispatcher;
  readonly #queue: ReplyQueue;

  constructor(
    outbox: ReplyOutbox,
    notices: NoticeStore,
    dispatcher: ReplyDispatcher,
    queue: ReplyQueue,
  ) {
    this.#outbox = outbox;
    this.#notices = notices;
    this.#dispatcher = dispatcher;
    this.#queue = queue;
  }

  /** The person wrote. Resolves with whether anything waited for that. */
  async all(address: ChatAddress): Promise<boolean> {
    const notices = await this.#notices.unpark(address);
    for (const { id } of notices) {
      await this.#queue.addDelivery(address, { kind: "notice", id });
    }
    return (await this.next(address)) || notices.length > 0;
  }

  /** The oldest answer that waits in the chat goes on. */
  async next(address: ChatAddress): Promise<boolean> {
    const reply = await this.#outbox.unparkNext(address);
    if (reply === null) return false;
    await this.#dispatcher.deliver(reply);
    return true;
  }
}
