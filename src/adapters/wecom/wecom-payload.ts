import { z } from "zod";

// https://developer.work.weixin.qq.com/document/path/100719
const Text = z.object({ content: z.string().default("") });

const File = z.object({
  /** Good for five minutes; what is behind it is encrypted. */
  url: z.string(),
  aeskey: z.string().optional(),
});

const Content = z.object({
  msgtype: z.string(),
  text: Text.optional(),
  /** What was said, as text. */
  voice: Text.optional(),
  image: File.optional(),
  file: File.optional(),
  video: File.optional(),
  mixed: z
    .object({
      msg_item: z.array(
        z.object({ msgtype: z.string(), text: Text.optional(), image: File.optional() }),
      ),
    })
    .optional(),
});

/** A message as WeCom pushes it. */
export const WecomMessage = Content.extend({
  msgid: z.string().min(1),
  chattype: z.enum(["single", "group"]).default("single"),
  /** Only in groups. */
  chatid: z.string().optional(),
  from: z.object({ userid: z.string().min(1) }),
  quote: Content.nullish(),
});

/** What came over the connection. */
export const WecomFrame = z.object({
  headers: z.object({ req_id: z.string().min(1) }),
  body: z.unknown(),
});

/** A message as it is kept in the inbox: only what we read of it, and what answers it. */
export const SavedMessage = z.object({ reqId: z.string(), message: WecomMessage });

export type WecomFile = z.infer<typeof File>;
export type WecomContent = z.infer<typeof Content>;
export type WecomMessage = z.infer<typeof WecomMessage>;
export type SavedMessage = z.infer<typeof SavedMessage>;
