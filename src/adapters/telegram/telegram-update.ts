import { z } from "zod";

/**
 * The parts of an update that we read, as Telegram sends them.
 * https://core.telegram.org/bots/api#update
 */

const User = z.object({
  id: z.int(),
  is_bot: z.boolean(),
  first_name: z.string(),
  last_name: z.string().optional(),
  username: z.string().optional(),
  language_code: z.string().optional(),
});

const Chat = z.object({
  id: z.int(),
  type: z.enum(["private", "group", "supergroup", "channel"]),
});

const Entity = z.object({
  type: z.string(),
  offset: z.int().min(0),
  length: z.int().min(0),
  user: z.object({ id: z.int() }).optional(),
});

const MediaFile = z.object({
  file_id: z.string(),
  file_name: z.string().optional(),
  mime_type: z.string().optional(),
  file_size: z.int().optional(),
});

const anything = z.unknown();

const RepliedMessage = z.object({
  from: User.optional(),
  text: z.string().optional(),
  caption: z.string().optional(),
  forum_topic_created: anything.optional(),
});

const Message = z.object({
  message_id: z.int(),
  message_thread_id: z.int().optional(),
  is_topic_message: z.boolean().optional(),
  from: User.optional(),
  sender_chat: z.object({ id: z.int() }).optional(),
  chat: Chat,
  media_group_id: z.string().optional(),
  reply_to_message: RepliedMessage.optional(),
  quote: z.object({ text: z.string() }).optional(),
  text: z.string().optional(),
  entities: z.array(Entity).optional(),
  caption: z.string().optional(),
  caption_entities: z.array(Entity).optional(),
  photo: z.array(MediaFile).optional(),
  document: MediaFile.optional(),
  animation: MediaFile.optional(),
  audio: MediaFile.optional(),
  sticker: MediaFile.optional(),
  video: MediaFile.optional(),
  video_note: MediaFile.optional(),
  voice: MediaFile.optional(),
  checklist: anything.optional(),
  contact: anything.optional(),
  dice: anything.optional(),
  game: anything.optional(),
  location: anything.optional(),
  paid_media: anything.optional(),
  poll: anything.optional(),
  rich_message: anything.optional(),
  story: anything.optional(),
  migrate_to_chat_id: z.int().optional(),
  migrate_from_chat_id: z.int().optional(),
});

const CallbackQuery = z.object({
  id: z.string(),
  from: User,
  message: z
    .object({
      chat: Chat,
      message_thread_id: z.int().optional(),
      is_topic_message: z.boolean().optional(),
    })
    .optional(),
  data: z.string().optional(),
});

const ChatMemberUpdated = z.object({
  chat: Chat,
  from: User,
  new_chat_member: z.object({ status: z.string() }),
});

export const TelegramUpdate = z.object({
  update_id: z.int(),
  message: Message.optional(),
  edited_message: Message.optional(),
  callback_query: CallbackQuery.optional(),
  my_chat_member: ChatMemberUpdated.optional(),
});

export type TelegramUpdate = z.infer<typeof TelegramUpdate>;
export type TelegramMessage = z.infer<typeof Message>;
export type TelegramUser = z.infer<typeof User>;
export type TelegramChat = z.infer<typeof Chat>;
export type TelegramEntity = z.infer<typeof Entity>;
export type TelegramFile = z.infer<typeof MediaFile>;
export type TelegramPress = z.infer<typeof CallbackQuery>;

/**
 * The kinds we ask for, always in full: Telegram keeps the previous list when none is given. A
 * kind is added here when something handles it, never before: what is received counts as handled.
 */
export const ALLOWED_UPDATES = [
  "message",
  "edited_message",
  "callback_query",
  "my_chat_member",
] as const;
