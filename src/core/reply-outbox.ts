import type { ChatAddress } from "./chat/chat-address.ts";

/** A reply that ended and has to be brought to its chat, and by which bot. */
export interface EndedReply {
  readonly id: string;
  readonly platform: string;
  readonly bot: string;
}

/**
 * What still has to happen, read from the rows of the replies themselves: however the queue lost
 * it, the sweepers find it here.
 */
export interface ReplyOutbox {
  /** Accounts with replies that may run but are not released. */
  listReleasable(runningMax: number, limit: number): Promise<string[]>;
  /**
   * Replies released `ageMs` ago that no worker has begun, those first that were not listed for the
   * longest time; each is listed again only after as long. Many may simply wait for their turn.
   */
  listUnbegun(ageMs: number, limit: number): Promise<string[]>;
  /** Replies released whose worker has not been heard of for `silentMs`. */
  listOrphans(silentMs: number, limit: number): Promise<string[]>;
  /** Replies that ended at least `ageMs` ago, are not delivered and not parked. */
  listUndelivered(ageMs: number, limit: number): Promise<EndedReply[]>;
  /** The chat takes no more until the person writes: the rest of the reply waits for that. */
  park(replyId: string, receipt: string): Promise<void>;
  /** The oldest parked reply of a chat is parked no more; `null` when there is none. */
  unparkNext(address: ChatAddress): Promise<EndedReply | null>;
}
