/** What a gateway has to bring to a chat: an answer, or a message of our own. */
export interface Delivery {
  readonly kind: "reply" | "notice";
  readonly id: string;
}

/** The connection that has to deliver: one gateway process owns it. */
export interface BotKey {
  readonly platform: string;
  readonly bot: string;
}

/**
 * Durable jobs. They carry ids only; adding the same id twice while it waits or runs is adding it
 * once. What was added survives a crash of ours; should the queue itself be emptied, the
 * sweepers add it again from the database.
 */
export interface ReplyQueue {
  /** Has a worker generate the reply. */
  addReply(replyId: string): Promise<void>;
  /** Has the gateway of that bot deliver. */
  addDelivery(bot: BotKey, delivery: Delivery): Promise<void>;
}
