import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { IncomingMessage } from "../../core/chat/incoming-message.ts";
import type { EventRoute } from "../shared/inbox-runner.ts";
import { overtakesOf } from "../shared/overtakes.ts";
import { attachmentsOf, type WecomFiles } from "./wecom-attachment.ts";
import { WECOM_CAPABILITIES } from "./wecom-capabilities.ts";
import { WECOM } from "./wecom-errors.ts";
import { SavedMessage, type WecomContent, type WecomMessage } from "./wecom-payload.ts";

/** WeCom is made for one country and does not say which language somebody reads. */
const LOCALE = "zh";

/** What reading a message needs to know besides the message. */
export interface MessageContext {
  readonly bot: string;
  readonly now: Date;
  readonly files: WecomFiles;
}

/** Reads one message. Asks for the names of files, which the message does not tell; never throws. */
export async function readMessage(
  message: WecomMessage,
  { bot, now, files }: MessageContext,
): Promise<IncomingMessage> {
  const { quote } = message;
  const quoted = quote ? textOf(quote).trim() : "";
  const { userid } = message.from;
  return {
    id: message.msgid,
    address: chatAddress(channelOf(message), bot),
    sender: { platformUserId: userid, displayName: userid, username: null, locale: LOCALE },
    text: questionOf(message),
    isDirect: isDirect(message),
    isEdit: false,
    quotedText: quoted === "" ? null : quoted,
    attachments: [
      ...(await attachmentsOf(message, files)),
      // In a group a picture can only be asked about by quoting it.
      ...(quote ? await attachmentsOf(quote, files) : []),
    ],
    receivedAt: now,
  };
}

/** Where a message belongs in the order of messages. */
export function routeMessage(payload: unknown): EventRoute {
  const { data } = SavedMessage.safeParse(payload);
  if (data === undefined) return { lane: "", person: "", overtakes: "nothing", batch: null };
  const { message } = data;
  const overtakes = overtakesOf(questionOf(message), WECOM_CAPABILITIES);
  return { lane: channelOf(message), person: message.from.userid, overtakes, batch: null };
}

export function chatAddress(channel: string, bot: string): ChatAddress {
  return { platform: WECOM, bot, channel, thread: null };
}

/** A group has an id; the chat with one person goes by theirs. */
export function channelOf({ chatid, chattype, from }: WecomMessage): string {
  return chattype === "group" ? (chatid ?? from.userid) : from.userid;
}

export function isDirect({ chatid, chattype }: WecomMessage): boolean {
  return chattype === "single" || chatid === undefined;
}

export function isCommand(message: WecomMessage): boolean {
  return /^[/／]/.test(questionOf(message));
}

function questionOf(message: WecomMessage): string {
  const text = textOf(message);
  return isDirect(message) ? text.trim() : withoutMention(text);
}

function textOf({ text, voice, mixed }: WecomContent): string {
  const texts = [text, voice, ...(mixed?.msg_item ?? []).map((item) => item.text)];
  return texts.flatMap((part) => part?.content ?? []).join("\n");
}

/**
 * In a group only what mentions the bot reaches us, as "@Name question". The name of the bot is
 * told nowhere, so the first mention is taken for it, at the beginning or at the end.
 */
function withoutMention(text: string): string {
  const trimmed = text.trim();
  if (/^@\S/u.test(trimmed)) return trimmed.replace(/^@[^\s,:;，：；]*[\s,:;，：；]*/u, "");
  return trimmed.replace(/\s@\S+$/u, "").trim();
}
