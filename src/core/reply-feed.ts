import type { BotKey } from "./reply-queue.ts";

/** How an answer grows, for live previews. */
export type ReplyProgress =
  | { readonly type: "started"; readonly replyId: string; readonly bot: BotKey }
  | {
      readonly type: "text";
      readonly replyId: string;
      readonly bot: BotKey;
      /** Which run of the worker wrote it; a takeover after a crash counts one up. */
      readonly attempt: number;
      /** Where `text` belongs in the answer, in UTF-16 code units; 0 starts anew. */
      readonly offset: number;
      readonly text: string;
    };

/**
 * Carries previews from workers to gateways and stop signals back. Lossy and fast: nothing may
 * depend on a message arriving, and publishing never throws and never waits.
 */
export interface ReplyFeed {
  publishProgress(progress: ReplyProgress): void;
  /** Returns what ends the subscription. */
  subscribeProgress(listener: (progress: ReplyProgress) => void): () => void;
  publishStop(replyId: string): void;
  subscribeStop(listener: (replyId: string) => void): () => void;
  start(): Promise<void>;
  stop(): Promise<void>;
}
