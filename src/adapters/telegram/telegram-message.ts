import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type {
  IncomingAction,
  IncomingMessage,
  ReplyAction,
  Sender,
} from "../../core/chat/incoming-message.ts";
import { addressedText } from "./telegram-addressing.ts";
import { TELEGRAM } from "./telegram-api.ts";
import { attachmentsOf, isServiceMessage, type LoadFile } from "./telegram-attachment.ts";
import {
  type TelegramChat,
  type TelegramMessage,
  type TelegramPress,
  TelegramUpdate,
  type TelegramUser,
} from "./telegram-update.ts";

/** What reading an update needs to know besides the update. */
export interface UpdateContext {
  readonly botId: string;
  /** Without "@". */
  readonly botUsername: string;
  readonly now: Date;
  readonly loadFile: LoadFile;
}

/** What an update means to us. */
export type TelegramEvent =
  | { readonly type: "message"; readonly message: IncomingMessage }
  /** `action` is `null` when the button is none of ours; the press is answered all the same. */
  | { readonly type: "press"; readonly pressId: string; readonly action: IncomingAction | null }
  | { readonly type: "reachable"; readonly userId: string; readonly isReachable: boolean }
  | { readonly type: "moved"; readonly from: ChatAddress; readonly to: ChatAddress };

/**
 * Reads one update, or the updates of one album, which become one message. `null` when it is
 * nothing to us: talk of others in a group, other bots, channels, service messages.
 * Throws a `ZodError` when it is not an update at all.
 */
export function parseUpdates(
  payloads: readonly unknown[],
  context: UpdateContext,
): TelegramEvent | null {
  const updates = payloads.map((payload) => TelegramUpdate.parse(payload));
  const [first] = updates;
  if (first === undefined) return null;
  if (updates.length > 1) {
    return fromAlbum(
      updates.flatMap(({ message }) => message ?? []),
      context,
    );
  }
  if (first.message !== undefined) return fromMessage(first.message, false, context);
  if (first.edited_message !== undefined) return fromMessage(first.edited_message, true, context);
  if (first.callback_query !== undefined) return fromPress(first.callback_query, context);
  const member = first.my_chat_member;
  if (member?.chat.type !== "private") return null;
  // https://core.telegram.org/bots/api#chatmember: in private chats only these two occur.
  const isReachable = member.new_chat_member.status !== "kicked";
  return { type: "reachable", userId: String(member.from.id), isReachable };
}

/** What stands behind a button; at most 64 bytes with a UUID as `replyId`. */
export function buttonData(action: ReplyAction, replyId: string): string {
  return `${action}:${replyId}`;
}

function fromMessage(
  message: TelegramMessage,
  isEdit: boolean,
  context: UpdateContext,
): TelegramEvent | null {
  const moved = movedChat(message, context);
  if (moved !== null) return moved;
  const { from, chat } = message;
  // `sender_chat`: a channel, or an admin hidden behind the group; nobody who could pay.
  if (from === undefined || from.is_bot || message.sender_chat !== undefined) return null;
  if (chat.type === "channel" || isServiceMessage(message)) return null;
  const text = addressedText(message, context);
  if (text === null) return null;
  // A live location is edited every few seconds; only a changed text says something new.
  if (isEdit && text === "") return null;
  return {
    type: "message",
    message: {
      id: String(message.message_id),
      address: addressOf(message, context),
      sender: senderOf(from),
      text,
      isDirect: chat.type === "private",
      isEdit,
      quotedText: quotedText(message, context),
      attachments: attachmentsOf(message, context.loadFile),
      receivedAt: context.now,
    },
  };
}

/** The caption stands at one picture only and counts for all of them. */
function fromAlbum(
  messages: readonly TelegramMessage[],
  context: UpdateContext,
): TelegramEvent | null {
  const speaking = messages.find((message) => message.caption !== undefined) ?? messages[0];
  if (speaking === undefined) return null;
  const event = fromMessage(speaking, false, context);
  if (event?.type !== "message") return event;
  const attachments = messages.flatMap((message) => attachmentsOf(message, context.loadFile));
  const id = String(Math.min(...messages.map((message) => message.message_id)));
  return { type: "message", message: { ...event.message, id, attachments } };
}

function fromPress(press: TelegramPress, context: UpdateContext): TelegramEvent {
  const parsed = /^(stop|retry|new):(.+)$/.exec(press.data ?? "");
  const [, action, replyId] = parsed ?? [];
  // Without a message the button hangs at an inline result, which we never send.
  if (press.message === undefined || action === undefined || replyId === undefined) {
    return { type: "press", pressId: press.id, action: null };
  }
  return {
    type: "press",
    pressId: press.id,
    action: {
      id: press.id,
      address: addressOf(press.message, context),
      sender: senderOf(press.from),
      isDirect: press.message.chat.type === "private",
      action: action as ReplyAction,
      replyId,
      receivedAt: context.now,
    },
  };
}

function movedChat(message: TelegramMessage, context: UpdateContext): TelegramEvent | null {
  const at = (id: number): ChatAddress => chatAddress(String(id), null, context.botId);
  const { chat, migrate_to_chat_id: to, migrate_from_chat_id: from } = message;
  if (to !== undefined) return { type: "moved", from: at(chat.id), to: at(to) };
  if (from !== undefined) return { type: "moved", from: at(from), to: at(chat.id) };
  return null;
}

function addressOf(
  message: Parameters<typeof threadOf>[0] & { readonly chat: TelegramChat },
  { botId }: UpdateContext,
): ChatAddress {
  return chatAddress(String(message.chat.id), threadOf(message), botId);
}

export function chatAddress(channel: string, thread: string | null, bot: string): ChatAddress {
  return { platform: TELEGRAM, bot, channel, thread };
}

/** Outside topics a thread id only groups replies, and sending to it is refused. */
export function threadOf(message: {
  readonly is_topic_message?: boolean | undefined;
  readonly message_thread_id?: number | undefined;
}): string | null {
  const { is_topic_message: isTopic, message_thread_id: id } = message;
  return isTopic === true && id !== undefined ? String(id) : null;
}

function senderOf(user: TelegramUser): Sender {
  return {
    platformUserId: String(user.id),
    displayName: [user.first_name, user.last_name].filter(Boolean).join(" "),
    username: user.username?.toLowerCase() ?? null,
    locale: user.language_code?.toLowerCase() ?? null,
  };
}

function quotedText(message: TelegramMessage, { botId }: UpdateContext): string | null {
  const replied = message.reply_to_message;
  if (String(replied?.from?.id) === botId) return null;
  return message.quote?.text ?? replied?.text ?? replied?.caption ?? null;
}
