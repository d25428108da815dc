import type { TelegramEntity, TelegramMessage } from "./telegram-update.ts";

interface Bot {
  readonly botId: string;
  readonly botUsername: string;
}

/**
 * The text of a message as it was meant for us, without our mention. `null` when it was not: in a
 * group we listen to commands, mentions and replies to us, and to nothing else.
 */
export function addressedText(message: TelegramMessage, bot: Bot): string | null {
  const text = message.text ?? message.caption ?? "";
  const entities = message.entities ?? message.caption_entities ?? [];
  const isDirect = message.chat.type === "private";
  const command = entities.find(({ type, offset }) => type === "bot_command" && offset === 0);
  if (command !== undefined) {
    const [name, recipient] = text.slice(0, command.length).split("@");
    const isOurs = recipient === undefined || isSameName(recipient, bot);
    if (!isOurs && !isDirect) return null;
    return isOurs ? `${name}${text.slice(command.length)}`.trim() : text;
  }
  const mentions = entities.filter((entity) => isOurMention(text, entity, bot));
  if (!isDirect && mentions.length === 0 && !isReplyToUs(message, bot)) return null;
  return withoutMentions(text, mentions);
}

function isOurMention(text: string, entity: TelegramEntity, bot: Bot): boolean {
  if (entity.type === "text_mention") return String(entity.user?.id) === bot.botId;
  if (entity.type !== "mention") return false;
  return isSameName(text.slice(entity.offset + 1, entity.offset + entity.length), bot);
}

function isSameName(name: string, { botUsername }: Bot): boolean {
  return name.toLowerCase() === botUsername.toLowerCase();
}

function isReplyToUs({ reply_to_message: replied }: TelegramMessage, { botId }: Bot): boolean {
  // Every first message in a topic "replies" to the topic's creation, which may have been ours.
  return String(replied?.from?.id) === botId && replied?.forum_topic_created === undefined;
}

function withoutMentions(text: string, mentions: readonly TelegramEntity[]): string {
  let kept = text;
  for (const { offset, length } of [...mentions].sort((a, b) => b.offset - a.offset)) {
    const before = kept.slice(0, offset);
    // "@bot, what is this?" is asked as "what is this?".
    const after = kept.slice(offset + length).replace(before === "" ? /^[\s,:;，：；]+/ : /^ /, "");
    kept = before + after;
  }
  return kept.trim();
}
