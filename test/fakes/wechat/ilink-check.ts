import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";

const BaseInfo = z.object({
  channel_version: z.string().regex(/^\d+\.\d+\.\d+$/),
  // Tencent's client says nothing else where its operator gave no name.
  bot_agent: z.string().regex(/^(OpenClaw|[\w.-]{1,32}\/[\w.+-]{1,32}( \([\x20-\x7e]{1,64}\))?)$/),
});

/** What is wrong with the headers of a call; `null` when nothing is. */
export function headerFault(method: string, headers: IncomingHttpHeaders): string | null {
  if (headers["ilink-app-id"] !== "bot") return "iLink-App-Id is not bot";
  const version = headers["ilink-app-clientversion"];
  if (typeof version !== "string" || !/^\d+$/.test(version)) return "no iLink-App-ClientVersion";
  if (method === "GET") return null;
  if (headers["content-type"]?.split(";")[0] !== "application/json") return "not JSON";
  if (headers.authorizationtype !== "ilink_bot_token") return "no AuthorizationType";
  const uin = headers["x-wechat-uin"];
  const decoded = Buffer.from(typeof uin === "string" ? uin : "", "base64").toString("latin1");
  const isUint32 = /^(0|[1-9]\d{0,9})$/.test(decoded) && Number(decoded) <= 0xffffffff;
  return isUint32 ? null : "X-WECHAT-UIN is not base64 of a uint32";
}

/** As above, for the body; the version stands in the headers once more. */
export function baseInfoFault(body: unknown, headers: IncomingHttpHeaders): string | null {
  const parsed = z.object({ base_info: BaseInfo }).safeParse(body);
  if (!parsed.success) return "no base_info";
  const parts = parsed.data.base_info.channel_version.split(".").map(Number);
  const encoded = parts.reduce((sum, part) => (sum << 8) | part, 0);
  const told = Number(headers["ilink-app-clientversion"]);
  return encoded === told ? null : "channel_version and iLink-App-ClientVersion differ";
}

const Media = z.object({
  encrypt_query_param: z.string().min(1),
  aes_key: z.string().min(1),
  encrypt_type: z.literal(1),
});

/** What a bot may send. Text longer than 4,000 is refused. */
export const SentMessage = z.object({
  msg: z.strictObject({
    from_user_id: z.literal(""),
    to_user_id: z.string().min(1),
    client_id: z.string().min(1),
    message_type: z.literal(2),
    message_state: z.literal(2),
    context_token: z.string().min(1),
    run_id: z.string().optional(),
    item_list: z
      .array(
        z.discriminatedUnion("type", [
          z.strictObject({
            type: z.literal(1),
            text_item: z.strictObject({ text: z.string().min(1).max(4_000) }),
          }),
          z.strictObject({
            type: z.literal(4),
            file_item: z.strictObject({
              media: Media,
              file_name: z.string().min(1),
              len: z.string().regex(/^\d+$/),
            }),
          }),
        ]),
      )
      .length(1),
  }),
});

export const UploadRequest = z.object({
  filekey: z.string().regex(/^[0-9a-f]{32}$/),
  media_type: z.literal(3),
  to_user_id: z.string().min(1),
  rawsize: z.number().int(),
  rawfilemd5: z.string().regex(/^[0-9a-f]{32}$/),
  filesize: z.number().int(),
  no_need_thumb: z.literal(true),
  aeskey: z.string().regex(/^[0-9a-f]{32}$/),
});
