import { z } from "zod";

// https://docs.discord.com/developers/resources/message
const User = z.object({
  id: z.string(),
  username: z.string(),
  global_name: z.string().nullish(),
  bot: z.boolean().optional(),
});

const Member = z.object({ nick: z.string().nullish() });

const Attachment = z.object({
  filename: z.string(),
  size: z.number(),
  url: z.string(),
  content_type: z.string().nullish(),
});

const anything = z.unknown().transform(() => true);

export const DiscordMessage = z.object({
  id: z.string(),
  channel_id: z.string(),
  /** Missing in direct messages. */
  guild_id: z.string().optional(),
  author: User,
  member: Member.nullish(),
  /** Empty where neither the content intent nor a mention lets us read it. */
  content: z.string().default(""),
  edited_timestamp: z.string().nullish(),
  type: z.int().default(0),
  webhook_id: z.string().optional(),
  mentions: z.array(z.object({ id: z.string() })).default([]),
  attachments: z.array(Attachment).default([]),
  sticker_items: z.array(z.object({ name: z.string() })).optional(),
  poll: anything.optional(),
  referenced_message: z.object({ author: User, content: z.string().default("") }).nullish(),
  /** What a forwarded message says. */
  message_snapshots: z
    .array(z.object({ message: z.object({ content: z.string().default("") }) }))
    .optional(),
});

// https://docs.discord.com/developers/interactions/receiving-and-responding
export const DiscordInteraction = z.object({
  id: z.string(),
  application_id: z.string(),
  /** 2: a command; 3: a press on a button. */
  type: z.int(),
  token: z.string(),
  channel_id: z.string().optional(),
  guild_id: z.string().optional(),
  member: Member.extend({ user: User }).nullish(),
  user: User.nullish(),
  locale: z.string().optional(),
  data: z
    .object({
      name: z.string().optional(),
      type: z.int().optional(),
      options: z
        .array(z.object({ value: z.union([z.string(), z.number(), z.boolean()]).optional() }))
        .optional(),
      custom_id: z.string().optional(),
    })
    .optional(),
});

/** One event as it is kept in the inbox: only what we read of it. */
export const SavedEvent = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("message"), data: DiscordMessage }),
  z.object({ kind: z.literal("edit"), data: DiscordMessage }),
  z.object({ kind: z.literal("interaction"), data: DiscordInteraction }),
]);

export type DiscordMessage = z.infer<typeof DiscordMessage>;
export type DiscordInteraction = z.infer<typeof DiscordInteraction>;
export type DiscordUser = z.infer<typeof User>;
export type DiscordAttachment = z.infer<typeof Attachment>;
export type SavedEvent = z.infer<typeof SavedEvent>;
