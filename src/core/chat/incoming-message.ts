import type { ChatAddress } from "./chat-address.ts";

/** One message from one person, the same shape whatever the platform. */
export interface IncomingMessage {
  /** Unique in its channel; a redelivered event carries the same id. */
  readonly id: string;
  readonly address: ChatAddress;
  readonly sender: Sender;
  /** Without the mention of the bot; a caption where the message is a picture. */
  readonly text: string;
  readonly isDirect: boolean;
  /** The person changed a message they sent before; `id` is that message's. */
  readonly isEdit: boolean;
  /** Text of the message this one replies to, unless it is the bot's own. */
  readonly quotedText: string | null;
  readonly attachments: readonly IncomingAttachment[];
  readonly receivedAt: Date;
}

export interface Sender {
  /** The platform's own user id, never our account id. */
  readonly platformUserId: string;
  readonly displayName: string;
  /** Lower case, without "@"; `null` where there is none. */
  readonly username: string | null;
  /** BCP 47 tag the platform reports, e.g. "zh-hans"; `null` when unknown. */
  readonly locale: string | null;
}

/** A file that came with a message; its bytes are fetched only when wanted. */
export interface IncomingAttachment {
  /** "other": neither an image nor text; it cannot be used. */
  readonly kind: "image" | "text" | "other";
  readonly name: string;
  readonly mediaType: string;
  /** As the platform states it; 0 when it does not. */
  readonly sizeBytes: number;
  /** Throws `OutsideError`, or `UserError("attachment_too_large")` when it exceeds `sizeBytesMax`. */
  load(sizeBytesMax: number): Promise<Uint8Array>;
}

export type ReplyAction = "stop" | "retry" | "new";

/** A press on a button under one of our messages. */
export interface IncomingAction {
  readonly id: string;
  readonly address: ChatAddress;
  readonly sender: Sender;
  readonly isDirect: boolean;
  readonly action: ReplyAction;
  readonly replyId: string;
  readonly receivedAt: Date;
}

/** A pressed button acts like a typed command whose message nobody can see. */
export const ACTION_ID_PREFIX = "action:";

/** Stands behind the id of a changed message, before what tells its versions apart. */
export const EDIT_MARK = ":edit:";

/** The message to answer to visibly: in groups, so that it is clear who is meant. */
export function replyTarget(message: Pick<IncomingMessage, "id" | "isDirect">): string | null {
  if (message.isDirect || message.id.startsWith(ACTION_ID_PREFIX)) return null;
  return message.id.split(EDIT_MARK)[0] ?? null;
}
