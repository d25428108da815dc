import type { Unit } from "../core/billing/lot.ts";
import type { FreeReason, NewReply, PriceSnapshot, Reply, ReplyEnd } from "../core/reply-store.ts";

/** A row of table `reply` joined with what its hold covers. */
export interface ReplyRow {
  readonly id: string;
  readonly account_id: string;
  readonly conversation_id: string;
  readonly question_turn_id: bigint;
  readonly platform: string;
  readonly bot: string;
  readonly channel: string;
  readonly thread: string | null;
  readonly is_direct: boolean;
  readonly message_id: string;
  readonly locale: string;
  readonly state: Reply["state"];
  readonly model_asked: string;
  readonly model_answered: string | null;
  readonly hold_id: string;
  readonly unit: Unit;
  readonly held_amount: bigint;
  readonly input_tokens_max: number;
  readonly output_tokens_max: number;
  readonly price: Readonly<Record<keyof PriceSnapshot, string | null>>;
  readonly input_tokens: number | null;
  readonly cached_tokens: number | null;
  readonly output_tokens: number | null;
  readonly charge: bigint;
  readonly free_reason: FreeReason | null;
  readonly failure: string | null;
  readonly text: string | null;
  readonly receipt: string | null;
  readonly stop_requested_at: Date | null;
  readonly attempts: number;
  readonly received_at: Date;
  readonly created_at: Date;
  readonly heartbeat_at: Date | null;
  /** Only where a worker begins: now, after the wait for the account's lock. */
  readonly began_at?: Date;
  readonly released_at: Date | null;
  readonly started_at: Date | null;
  readonly answered_at: Date | null;
  readonly delivered_at: Date | null;
}

export function replyFromRow(row: ReplyRow): Reply {
  return {
    id: row.id,
    accountId: row.account_id,
    conversationId: row.conversation_id,
    questionTurnId: row.question_turn_id,
    address: { platform: row.platform, bot: row.bot, channel: row.channel, thread: row.thread },
    isDirect: row.is_direct,
    messageId: row.message_id,
    locale: row.locale,
    state: row.state,
    modelAsked: row.model_asked,
    modelAnswered: row.model_answered,
    holdId: row.hold_id,
    unit: row.unit,
    heldAmount: row.held_amount,
    inputTokensMax: row.input_tokens_max,
    outputTokensMax: row.output_tokens_max,
    price: priceFromJson(row.price),
    inputTokens: row.input_tokens,
    cachedTokens: row.cached_tokens,
    outputTokens: row.output_tokens,
    charge: row.charge,
    freeReason: row.free_reason,
    failure: row.failure,
    text: row.text,
    receipt: row.receipt,
    isStopRequested: row.stop_requested_at !== null,
    attempts: row.attempts,
    receivedAt: row.received_at,
    waitedMs: row.heartbeat_at === null ? 0 : row.heartbeat_at.getTime() - row.created_at.getTime(),
    releasedAt: row.released_at,
    releasedMs: millisecondsBetween(row.released_at, row.began_at ?? row.heartbeat_at),
    startedAt: row.started_at,
    answeredAt: row.answered_at,
    deliveredAt: row.delivered_at,
  };
}

function millisecondsBetween(start: Date | null, end: Date | null): number {
  return start === null || end === null ? 0 : end.getTime() - start.getTime();
}

function priceFromJson(price: ReplyRow["price"]): PriceSnapshot {
  const { messageCost } = price;
  return {
    input: BigInt(price.input ?? 0),
    cachedInput: BigInt(price.cachedInput ?? 0),
    output: BigInt(price.output ?? 0),
    messageCost: messageCost === null ? null : BigInt(messageCost),
    creditMax: BigInt(price.creditMax ?? 0),
    creditMin: BigInt(price.creditMin ?? 0),
  };
}

/** What `open_reply` takes, with amounts as text: JSON numbers are floats. */
export function openArguments(reply: NewReply): object {
  const { address, price, images, supersedesTurn, ...rest } = reply;
  return {
    ...rest,
    ...address,
    identityId: String(reply.identityId),
    text: storableText(reply.text),
    title: storableText(reply.title),
    receivedAt: reply.receivedAt.toISOString(),
    price: {
      input: String(price.input),
      cachedInput: String(price.cachedInput),
      output: String(price.output),
      messageCost: textOrNull(price.messageCost),
      creditMax: String(price.creditMax),
      creditMin: String(price.creditMin),
    },
    messageCost: textOrNull(price.messageCost),
    creditMax: String(price.creditMax),
    creditMin: String(price.creditMin),
    supersedesTurn: textOrNull(supersedesTurn),
    images: images.map(({ mediaType, bytes }) => ({
      mediaType,
      base64: Buffer.from(bytes).toString("base64"),
    })),
  };
}

/** What `finish_reply` takes. */
export function finishArguments(end: ReplyEnd): object {
  return {
    ...end,
    text: storableText(end.text),
    charge: String(end.charge),
    upstreamCost: String(end.upstreamCost),
    firstWordAt: end.firstWordAt?.toISOString() ?? null,
  };
}

/** Postgres keeps neither NUL characters nor halves of surrogate pairs. */
export function storableText(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

function textOrNull(value: bigint | null): string | null {
  return value === null ? null : String(value);
}
