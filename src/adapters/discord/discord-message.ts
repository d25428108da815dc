import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type {
  IncomingAction,
  IncomingMessage,
  ReplyAction,
  Sender,
} from "../../core/chat/incoming-message.ts";
import { attachmentsOf, type LoadFile } from "./discord-attachment.ts";
import { DISCORD } from "./discord-errors.ts";
import type {
  DiscordInteraction,
  DiscordMessage,
  DiscordUser,
  SavedEvent,
} from "./discord-payload.ts";

// https://docs.discord.com/developers/resources/message#message-object-message-types
const ORDINARY = 0;
const REPLY = 19;
// https://docs.discord.com/developers/interactions/receiving-and-responding
const COMMAND = 2;
const PRESS = 3;
// https://docs.discord.com/developers/interactions/application-commands: typed with a slash.
const SLASH_COMMAND = 1;

/** What reading an event needs to know besides the event. */
export interface EventContext {
  readonly botId: string;
  readonly now: Date;
  readonly loadFile: LoadFile;
}

/** What an event means to us. */
export type DiscordEvent =
  | { readonly type: "message"; readonly message: IncomingMessage }
  | {
      readonly type: "command";
      readonly name: string;
      readonly interaction: DiscordInteraction;
      readonly message: IncomingMessage;
    }
  /** `action` is `null` when the button is none of ours; the press is answered all the same. */
  | {
      readonly type: "press";
      readonly interaction: DiscordInteraction;
      readonly action: IncomingAction | null;
    };

/**
 * Reads one event. `null` when it is nothing to us: talk of others in a channel, other bots,
 * system messages, edits that change no word.
 */
export function readEvent(event: SavedEvent, context: EventContext): DiscordEvent | null {
  if (event.kind === "interaction") return fromInteraction(event.data, context);
  const isEdit = event.kind === "edit";
  if (isEdit && (event.data.edited_timestamp ?? null) === null) return null;
  const message = fromMessage(event.data, isEdit, context);
  return message === null ? null : { type: "message", message };
}

/** One id an event: a message that was edited is a new event each time. */
export function eventIdOf({ kind, data }: SavedEvent): string {
  return kind === "edit" ? `${data.id}:${data.edited_timestamp ?? ""}` : data.id;
}

/** What stands behind a button; at most 100 characters with a UUID as `replyId`. */
export function buttonId(action: ReplyAction, replyId: string): string {
  return `${action}:${replyId}`;
}

export function chatAddress(channel: string, bot: string): ChatAddress {
  return { platform: DISCORD, bot, channel, thread: null };
}

/** An empty guild means none. */
export function isInGuild({ guild_id: guild }: { guild_id?: string | undefined }): boolean {
  return guild !== undefined && guild !== "";
}

/** Who caused the interaction; `null` when Discord does not say. */
export function userOf({ member, user }: DiscordInteraction): DiscordUser | null {
  return member?.user ?? user ?? null;
}

function fromMessage(
  message: DiscordMessage,
  isEdit: boolean,
  context: EventContext,
): IncomingMessage | null {
  const { author, type } = message;
  if (author.bot === true || author.id === context.botId) return null;
  if (message.webhook_id !== undefined || (type !== ORDINARY && type !== REPLY)) return null;
  const isDirect = !isInGuild(message);
  if (!isDirect && !isForUs(message, context.botId)) return null;
  return {
    id: message.id,
    address: chatAddress(message.channel_id, context.botId),
    sender: senderOf(author, message.member?.nick, null),
    text: withoutMention(message.content, context.botId),
    isDirect,
    isEdit,
    quotedText: quotedText(message, context.botId),
    attachments: attachmentsOf(message, context.loadFile),
    receivedAt: context.now,
  };
}

/** In a channel we listen to mentions and replies to us, and to nothing else. */
function isForUs(message: DiscordMessage, botId: string): boolean {
  if (message.mentions.some(({ id }) => id === botId)) return true;
  if (mentionOf(botId).test(message.content)) return true;
  const isReplyToUs = message.referenced_message?.author.id === botId;
  // A reply without a mention comes empty when we may not read the channel.
  return isReplyToUs && (message.content !== "" || message.attachments.length > 0);
}

function fromInteraction(
  interaction: DiscordInteraction,
  context: EventContext,
): DiscordEvent | null {
  const user = userOf(interaction);
  const channel = interaction.channel_id;
  if (user === null || channel === undefined) return null;
  const common = {
    address: chatAddress(channel, context.botId),
    sender: senderOf(user, interaction.member?.nick, interaction.locale ?? null),
    isDirect: !isInGuild(interaction),
    receivedAt: context.now,
  };
  const { data } = interaction;
  if (interaction.type === PRESS) {
    const parsed = /^(stop|retry|new):(.+)$/.exec(data?.custom_id ?? "");
    const [, action, replyId] = parsed ?? [];
    const isOurs = action !== undefined && replyId !== undefined;
    return {
      type: "press",
      interaction,
      action: isOurs
        ? { ...common, id: interaction.id, action: action as ReplyAction, replyId }
        : null,
    };
  }
  const name = data?.name;
  const isSlash = interaction.type === COMMAND && (data?.type ?? SLASH_COMMAND) === SLASH_COMMAND;
  if (!isSlash || name === undefined) return null;
  const values = (data?.options ?? []).flatMap(({ value }) => value ?? []);
  return {
    type: "command",
    name,
    interaction,
    message: {
      ...common,
      id: interaction.id,
      text: [`/${name}`, ...values].join(" "),
      isEdit: false,
      quotedText: null,
      attachments: [],
    },
  };
}

function senderOf(
  user: DiscordUser,
  nick: string | null | undefined,
  locale: string | null,
): Sender {
  return {
    platformUserId: user.id,
    displayName: nick ?? user.global_name ?? user.username,
    username: user.username.toLowerCase(),
    locale: locale?.toLowerCase() ?? null,
  };
}

// https://docs.discord.com/developers/reference#message-formatting
function mentionOf(botId: string): RegExp {
  return new RegExp(`<@!?${botId}>`, "g");
}

function withoutMention(content: string, botId: string): string {
  const mention = mentionOf(botId).source;
  // "@bot, what is this?" is asked as "what is this?".
  const start = new RegExp(`^\\s*${mention}[\\s,:;，：；]*`);
  return content
    .replace(start, "")
    .replace(new RegExp(` ?${mention}`, "g"), "")
    .trim();
}

function quotedText(message: DiscordMessage, botId: string): string | null {
  const { referenced_message: replied, message_snapshots: forwarded } = message;
  const isOurs = replied?.author.id === botId;
  const text = isOurs ? "" : (replied?.content ?? forwarded?.[0]?.message.content ?? "");
  return text === "" ? null : text;
}
