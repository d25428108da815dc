import type { Unit } from "./billing/lot.ts";
import type { ChatAddress } from "./chat/chat-address.ts";

/** What a reply was promised to cost when its hold was placed. Micros per million tokens. */
export interface PriceSnapshot {
  readonly input: bigint;
  readonly cachedInput: bigint;
  readonly output: bigint;
  /** Messages an answer costs; `null` when the model cannot be paid in messages. */
  readonly messageCost: bigint | null;
  /** The bounds of the hold, to place it anew should it lapse. */
  readonly creditMax: bigint;
  readonly creditMin: bigint;
}

export interface NewReply {
  readonly id: string;
  /** A reply that still waits for more of the same question; `null` opens one. */
  readonly mergeInto: string | null;
  readonly accountId: string;
  readonly identityId: bigint;
  readonly conversationId: string;
  readonly address: ChatAddress;
  readonly isDirect: boolean;
  readonly messageId: string;
  readonly locale: string;
  readonly text: string;
  readonly title: string;
  readonly images: readonly { readonly mediaType: string; readonly bytes: Uint8Array }[];
  readonly model: string;
  readonly price: PriceSnapshot;
  readonly inputTokens: number;
  readonly outputTokensMax: number;
  readonly leaseMs: number;
  /** How long to wait for more of the question before a worker may begin; 0: it may at once. */
  readonly waitMs: number;
  /** Replies of the account that may run at once. */
  readonly runningMax: number;
  readonly openRepliesMax: number;
  readonly receivedAt: Date;
  /** This question's turn and its answer leave the context. */
  readonly supersedesTurn: bigint | null;
}

export type OpenOutcome =
  /**
   * A duplicate had been taken before; nothing was opened now. `released`: what a worker may begin
   * now, when nothing had to be waited for.
   */
  | {
      readonly status: "opened" | "merged" | "duplicate";
      readonly replyId: string;
      readonly released: readonly string[];
    }
  /** The reply to merge into has begun: open one of its own. */
  | { readonly status: "too_late" }
  | { readonly status: "queue_full" }
  | {
      readonly status: "insufficient";
      readonly creditAvailable: bigint;
      readonly messagesAvailable: bigint;
    };

/** Our answer to one message. */
export interface Reply {
  readonly id: string;
  readonly accountId: string;
  readonly conversationId: string;
  readonly questionTurnId: bigint;
  readonly address: ChatAddress;
  readonly isDirect: boolean;
  readonly messageId: string;
  readonly locale: string;
  readonly state: "queued" | "writing" | "answered" | "delivered" | "failed" | "stopped";
  readonly modelAsked: string;
  readonly modelAnswered: string | null;
  readonly holdId: string;
  readonly unit: Unit;
  /** What the hold covers. */
  readonly heldAmount: bigint;
  readonly inputTokensMax: number;
  readonly outputTokensMax: number;
  readonly price: PriceSnapshot;
  readonly inputTokens: number | null;
  readonly cachedTokens: number | null;
  readonly outputTokens: number | null;
  readonly charge: bigint;
  readonly freeReason: FreeReason | null;
  readonly failure: string | null;
  readonly text: string | null;
  /** As it was shown, or will be with the rest of a parked reply; `null` until then. */
  readonly receipt: string | null;
  readonly isStopRequested: boolean;
  readonly attempts: number;
  readonly receivedAt: Date;
  /** From when it was opened until a worker last began it; by the store's clock, so that no other one decides. */
  readonly waitedMs: number;
  /** Since when a worker may begin. */
  readonly releasedAt: Date | null;
  /** From then until a worker last began it; by the store's clock too. */
  readonly releasedMs: number;
  readonly startedAt: Date | null;
  readonly answeredAt: Date | null;
  readonly deliveredAt: Date | null;
}

/** Why an answer, or what came of it, cost nothing. */
export type FreeReason = "slow" | "upstream_cut" | "failed" | "nothing_delivered";

export interface ReplyEnd {
  readonly id: string;
  readonly state: "answered" | "failed" | "stopped";
  readonly text: string;
  /** In the unit of the hold, at most what it holds. */
  readonly charge: bigint;
  readonly upstreamCost: bigint;
  readonly modelAnswered: string | null;
  readonly upstream: string | null;
  readonly inputTokens: number | null;
  readonly cachedTokens: number | null;
  readonly outputTokens: number | null;
  readonly usageSource: "upstream" | "counted" | null;
  readonly usageClamped: boolean;
  readonly freeReason: FreeReason | null;
  /** The code of a text in `texts.failures`; `null` when it went well. */
  readonly failure: string | null;
  readonly firstWordAt: Date | null;
  readonly firstWordMs: number | null;
  readonly answerMs: number | null;
}

export interface GatheringReply {
  readonly id: string;
  readonly text: string;
  readonly inputTokens: number;
}

/** Which open replies are meant: those in a chat, or one, perhaps only while it still waits. */
export type StopWhere =
  | { readonly address: ChatAddress }
  | { readonly replyId: string; readonly onlyWaiting?: true };

/** A message the reply is shown in. */
export interface ShownMessage {
  readonly position: number;
  readonly channel: string;
  readonly messageId: string;
}

/**
 * Keeps replies together with their holds, so that neither exists without the other. Each method
 * is one transaction.
 */
export interface ReplyStore {
  open(reply: NewReply): Promise<OpenOutcome>;
  /** The reply of this person here that still waits for more of its question. */
  findGathering(conversationId: string, accountId: string): Promise<GatheringReply | null>;
  /** Output tokens that replies still open in this conversation may add to its context. */
  countPendingTokens(conversationId: string): Promise<number>;
  /** Marks the account's next replies as running and returns their ids. */
  release(accountId: string, runningMax: number): Promise<string[]>;
  /** `null` when it needs no worker any more. Throws `UserError("insufficient_credit")`. */
  start(replyId: string, leaseMs: number): Promise<Reply | null>;
  /** Keeps holds of running replies and shows the sweepers that their worker lives. */
  heartbeat(replyIds: readonly string[], leaseMs: number): Promise<void>;
  /** Returns what was charged; `null` when it had ended before. */
  finish(end: ReplyEnd): Promise<bigint | null>;
  find(replyId: string): Promise<Reply | null>;
  /** The newest reply in a conversation that has ended. */
  findLastEnded(conversationId: string, accountId: string): Promise<Reply | null>;
  /** Replies of the account, newest first, for /usage. */
  listRecent(accountId: string, limit: number): Promise<Reply[]>;
  /**
   * Asks the open replies of a person in a chat (or just one reply) to stop. Those no worker has
   * begun are ended here. Returns both kinds.
   */
  requestStop(
    accountId: string,
    where: StopWhere,
  ): Promise<{ readonly ended: string[]; readonly running: string[] }>;
  /** The reply a message went into, and how many messages did; `null` when none. */
  findBySource(
    address: ChatAddress,
    messageId: string,
  ): Promise<{ readonly reply: Reply; readonly sourceCount: number } | null>;
  /** Changes the stored question, for a retry. `false` when it reads like that already. */
  rewriteQuestion(replyId: string, text: string): Promise<boolean>;
  listMessages(replyId: string): Promise<ShownMessage[]>;
  saveMessage(replyId: string, message: ShownMessage): Promise<void>;
  /** `isReadable` false: the chat is closed to us, so the answer waits in the history. */
  markDelivered(replyId: string, receipt: string, isReadable: boolean): Promise<void>;
  /** Running replies, for draining and for operators. */
  countOpen(): Promise<number>;
}
