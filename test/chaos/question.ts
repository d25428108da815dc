import type { Behaviour } from "../fakes/openai-behaviour.ts";

/** A question that a person asked, and how the upstream answers it. */
export interface Question {
  readonly person: number;
  readonly text: string;
  /** The id of the message on Telegram. */
  readonly messageId: string;
  readonly play: Behaviour;
  readonly askedAtMs: number;
  isAnswered: boolean;
  /** The person should see the whole answer of the upstream. */
  readonly isWhole: boolean;
}

/** What the table of replies says of one question. */
export interface ReplyRow {
  readonly id: string;
  readonly channel: string;
  readonly message_id: string;
  readonly state: string;
  readonly text: string | null;
  readonly failure: string | null;
  readonly unit: "credit" | "message";
  readonly charge: bigint;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly price: Readonly<Record<string, string | null>>;
  readonly usage_source: string | null;
  readonly free_reason: string | null;
  readonly answered_at: Date | null;
  readonly delivered_at: Date | null;
}
