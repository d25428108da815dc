import { z } from "zod";

/** Ids and times come as bare numbers, or as strings as in protobuf's JSON. */
const Id = z.union([z.string(), z.number().int()]).transform(String);
const Integer = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+$/)
    .transform(Number),
]);
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");

/** What every answer may say about success. */
export const AnswerStatus = z.object({
  ret: Integer.nullish(),
  errcode: Integer.nullish(),
  errmsg: z.string().nullish(),
});

const Media = z.object({
  encrypt_query_param: text,
  /** base64 of 16 bytes, or of their 32 hexadecimal digits. */
  aes_key: text,
  full_url: text,
});
export type IlinkMedia = z.infer<typeof Media>;

const Quoted = z.object({
  title: text,
  message_item: z.object({ text_item: z.object({ text }).nullish() }).nullish(),
});

const Item = z.object({
  type: Integer,
  text_item: z.object({ text }).nullish(),
  image_item: z
    .object({
      media: Media.nullish(),
      /** The key once more, as hexadecimal digits. */
      aeskey: text,
    })
    .nullish(),
  voice_item: z
    .object({
      media: Media.nullish(),
      /** What was said, as WeChat heard it. */
      text,
    })
    .nullish(),
  file_item: z.object({ media: Media.nullish(), file_name: text }).nullish(),
  video_item: z.object({ media: Media.nullish() }).nullish(),
  ref_msg: Quoted.nullish(),
});
export type IlinkItem = z.infer<typeof Item>;

/** A message as iLink brings it. */
export const IlinkMessage = z.object({
  message_id: Id,
  from_user_id: z.string(),
  to_user_id: text,
  group_id: text,
  message_type: Integer,
  create_time_ms: Integer.nullish().transform((value) => value ?? 0),
  context_token: text,
  item_list: z
    .array(Item)
    .nullish()
    .transform((items) => items ?? []),
});
export type IlinkMessage = z.infer<typeof IlinkMessage>;

export const UpdatesAnswer = z.object({
  /** Read one by one, so that one that is new to us does not hold up the others. */
  msgs: z.array(z.unknown()).nullish(),
  get_updates_buf: text,
  longpolling_timeout_ms: Integer.nullish(),
});

export const SendAnswer = z.object({ message_id: Id.nullish() });
export const ConfigAnswer = z.object({ typing_ticket: text });
export const UploadAnswer = z.object({ upload_param: text, upload_full_url: text });

export const LoginCodeAnswer = z.object({
  qrcode: z.string().min(1),
  /** What the QR code says. */
  qrcode_img_content: z.string().min(1),
});

export const LoginStatusAnswer = z.object({
  status: z.enum([
    "wait",
    "scaned",
    "confirmed",
    "expired",
    "scaned_but_redirect",
    "need_verifycode",
    "verify_code_blocked",
    "binded_redirect",
  ]),
  bot_token: text,
  ilink_bot_id: text,
  ilink_user_id: text,
  baseurl: text,
  redirect_host: text,
});
export type LoginStatusAnswer = z.infer<typeof LoginStatusAnswer>;
