import type { Person, StoredChat, StoredMessage, World } from "./world.ts";

/** How the Bot API shows people, chats and messages. */

export function userPayload(person: Person): Record<string, unknown> {
  return {
    id: person.id,
    is_bot: person.isBot,
    first_name: person.firstName,
    ...(person.lastName !== null && { last_name: person.lastName }),
    ...(person.username !== null && { username: person.username }),
    ...(person.languageCode !== null && !person.isBot && { language_code: person.languageCode }),
  };
}

export function chatPayload(world: World, chat: StoredChat): Record<string, unknown> {
  if (chat.type !== "private") {
    return {
      id: chat.id,
      type: chat.type,
      title: chat.title,
      ...(chat.isForum && { is_forum: true }),
    };
  }
  const { firstName, username } = world.person(chat.id);
  return {
    id: chat.id,
    type: "private",
    first_name: firstName,
    ...(username !== null && { username }),
  };
}

export function messagePayload(
  world: World,
  chat: StoredChat,
  message: StoredMessage,
  withReply = true,
): Record<string, unknown> {
  const replied = chat.messages.find(({ id }) => id === message.replyTo);
  return {
    message_id: message.id,
    from: userPayload(world.person(message.senderId)),
    chat: chatPayload(world, chat),
    date: message.date,
    ...(message.threadId !== null && {
      message_thread_id: message.threadId,
      is_topic_message: true,
    }),
    ...(message.edits > 0 && { edit_date: message.date }),
    ...(withReply &&
      replied !== undefined && {
        reply_to_message: messagePayload(world, chat, replied, false),
      }),
    ...contentPayload(message),
    ...(message.buttons !== null && { reply_markup: { inline_keyboard: message.buttons } }),
    ...message.extra,
  };
}

function contentPayload(message: StoredMessage): Record<string, unknown> {
  if (message.rich !== null) {
    return { rich_message: { blocks: [{ type: "paragraph", text: message.rich }] } };
  }
  const isCaption = message.document !== null || isMedia(message);
  const [text, entities] = isCaption ? ["caption", "caption_entities"] : ["text", "entities"];
  return {
    ...(message.text !== "" && { [text]: message.text }),
    ...(message.entities.length > 0 && { [entities]: message.entities }),
    ...(message.document !== null && {
      document: {
        file_id: `document-${message.id}`,
        file_unique_id: `unique-${message.id}`,
        file_name: message.document.name,
        file_size: Buffer.byteLength(message.document.content),
      },
    }),
  };
}

const MEDIA = ["photo", "document", "animation", "audio", "video", "voice"];

function isMedia(message: StoredMessage): boolean {
  return MEDIA.some((kind) => kind in message.extra);
}
