import type { InlineKeyboardMarkup, MessageEntity } from "grammy/types";
import type { MessageButton, OutgoingMessage } from "../../core/chat/chat-adapter.ts";
import { toRichMarkdown } from "./rich-markdown.ts";
import { formatMarkdown } from "./telegram-markup.ts";
import { buttonData } from "./telegram-message.ts";

// https://core.telegram.org/bots/api#sendmessage: 1-4096 characters after entities parsing.
export const TEXT_LENGTH_MAX = 4096;
// https://core.telegram.org/bots/api#senddocument
export const CAPTION_LENGTH_MAX = 1024;
// https://core.telegram.org/bots/api#answercallbackquery
export const NOTICE_LENGTH_MAX = 200;

const ELLIPSIS = "…";

/** One way of showing a text. */
export type TextForm =
  | { readonly type: "rich"; readonly markdown: string }
  | { readonly type: "text"; readonly text: string; readonly entities: MessageEntity[] };

/** The ways of showing it, the best first; each next one is for when Telegram refuses the last. */
export function* textForms(content: OutgoingMessage, mayBeRich: boolean): Generator<TextForm> {
  const source = content.text.toWellFormed();
  if (content.format === "markdown") {
    if (mayBeRich) yield { type: "rich", markdown: toRichMarkdown(source) };
    const formatted = formatMarkdown(source);
    if (formatted !== null && formatted.text.length <= TEXT_LENGTH_MAX) {
      yield { type: "text", ...formatted };
      if (formatted.entities.length > 0) {
        yield { type: "text", text: formatted.text, entities: [] };
      }
      return;
    }
  }
  yield { type: "text", text: shorten(source, TEXT_LENGTH_MAX), entities: [] };
}

/** At most `lengthMax` UTF-16 code units, never half an emoji. */
export function shorten(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  const end = lengthMax - ELLIPSIS.length;
  const isHighSurrogate = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return text.slice(0, isHighSurrogate ? end - 1 : end) + ELLIPSIS;
}

export function keyboard(buttons: readonly MessageButton[]): InlineKeyboardMarkup | undefined {
  if (buttons.length === 0) return undefined;
  const row = buttons.map(({ label, action, replyId }) => ({
    text: label.toWellFormed(),
    callback_data: buttonData(action, replyId),
  }));
  return { inline_keyboard: [row] };
}
