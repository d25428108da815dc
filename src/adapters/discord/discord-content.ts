import type { MessageButton, OutgoingMessage } from "../../core/chat/chat-adapter.ts";
import { adaptMarkdown, escapeMarkdown } from "./discord-markup.ts";
import { buttonId } from "./discord-message.ts";

// https://docs.discord.com/developers/resources/message#create-message: 2000 characters. It is
// not said of what; UTF-16 code units are the strictest reading.
export const TEXT_LENGTH_MAX = 2000;
// https://docs.discord.com/developers/components/reference#button
const LABEL_LENGTH_MAX = 80;
const ACTION_ROW = 1;
const BUTTON = 2;
const STYLE_SECONDARY = 2;

// https://docs.discord.com/developers/resources/message#message-object-message-flags
const NO_LINK_PREVIEWS = 1 << 2;
export const ONLY_FOR_YOU = 1 << 6;

const ELLIPSIS = "…";
/** Discord refuses a message without a text. */
const NOTHING = "…";

/** What Discord gets to show, for a message that is new as for one that is edited. */
export interface MessageBody {
  readonly content: string;
  readonly components: readonly unknown[];
  readonly flags: number;
  readonly allowed_mentions: { readonly parse: readonly never[]; readonly replied_user: false };
}

/** Nobody is ever notified by what a model writes, whatever it mentions. */
export function messageBody({
  text,
  format,
  buttons,
}: Pick<OutgoingMessage, "text" | "format" | "buttons">): MessageBody {
  return {
    content: contentOf(text.toWellFormed(), format),
    // An empty list takes the buttons of an edited message away.
    components: buttons.length === 0 ? [] : [buttonRow(buttons)],
    flags: NO_LINK_PREVIEWS,
    allowed_mentions: { parse: [], replied_user: false },
  };
}

/** At most `lengthMax` UTF-16 code units, never half an emoji. */
export function shorten(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  const end = lengthMax - ELLIPSIS.length;
  const isHighSurrogate = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return text.slice(0, isHighSurrogate ? end - 1 : end) + ELLIPSIS;
}

function contentOf(text: string, format: OutgoingMessage["format"]): string {
  if (text.trim() === "") return NOTHING;
  const shown = format === "markdown" ? adaptMarkdown(text) : escapeMarkdown(text);
  // Better shown a little differently than cut.
  return shown.length <= TEXT_LENGTH_MAX ? shown : shorten(text, TEXT_LENGTH_MAX);
}

function buttonRow(buttons: readonly MessageButton[]): unknown {
  return {
    type: ACTION_ROW,
    components: buttons.map(({ action, replyId, label }) => ({
      type: BUTTON,
      style: STYLE_SECONDARY,
      label: shorten(label.toWellFormed(), LABEL_LENGTH_MAX),
      custom_id: buttonId(action, replyId),
    })),
  };
}
