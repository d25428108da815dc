import { createHash } from "node:crypto";
import { z } from "zod";
import type { XmlFields } from "./wechat-oa-xml.ts";

const digits = z
  .string()
  .trim()
  .regex(/^\d{1,20}$/);

/**
 * What WeChat pushes, as far as we read it.
 * https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html
 * https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_event_pushes.html
 */
export const WechatOaPayload = z.object({
  /** Our own account, by an id that only answers need. */
  ToUserName: z.string().trim().min(1),
  /** The person's openid. */
  FromUserName: z
    .string()
    .trim()
    .regex(/^[\w-]{1,128}$/),
  /** Seconds. */
  CreateTime: digits,
  MsgType: z.string().trim().min(1),
  MsgId: digits.optional(),
  Content: z.string().optional(),
  PicUrl: z.string().trim().optional(),
  MediaId: z.string().trim().optional(),
  Recognition: z.string().optional(),
  Event: z.string().trim().optional(),
  EventKey: z.string().trim().optional(),
});

export type WechatOaPayload = z.infer<typeof WechatOaPayload>;

/** What kind of news it is. Nobody waits for an answer to anything but "contact". */
export type PayloadKind = "contact" | "left" | "ignored";

/** `null` when it is no message of WeChat. */
export function readPayload(fields: XmlFields): WechatOaPayload | null {
  return WechatOaPayload.safeParse(fields).data ?? null;
}

/** The same for every repetition of the same message, and for no other. */
export function eventIdOf(payload: WechatOaPayload): string {
  const { MsgId, FromUserName, CreateTime, MsgType, Event = "", EventKey = "" } = payload;
  if (MsgId !== undefined && MsgType !== "event") return `message:${MsgId}`;
  // Ids are kept for long and shown in logs, which a link code must not be.
  const key = EventKey.includes(LINK_SCENE) ? digest(EventKey) : EventKey;
  return ["event", FromUserName, CreateTime, Event, key].join(":");
}

export function kindOfPayload(payload: WechatOaPayload): PayloadKind {
  if (payload.MsgType !== "event") return "contact";
  if (payload.Event?.toLowerCase() === "unsubscribe") return "left";
  return commandOf(payload) === null ? "ignored" : "contact";
}

/** The command an event stands for; `null` when it is none of ours. */
export function commandOf({ MsgType, Event = "", EventKey = "" }: WechatOaPayload): string | null {
  if (MsgType !== "event") return null;
  switch (Event.toLowerCase()) {
    case "subscribe":
      return start(EventKey.startsWith(SCENE_PREFIX) ? EventKey.slice(SCENE_PREFIX.length) : "");
    case "scan":
      return start(EventKey);
    case "click":
      return EventKey.startsWith("/") ? EventKey : null;
    default:
      return null;
  }
}

/** Begins the scene of a QR code that asks for the account to be linked by the code which follows. */
export const LINK_SCENE = "link_";

/** Stands before the scene when somebody followed the account by scanning a code. */
const SCENE_PREFIX = "qrscene_";

function start(scene: string): string {
  if (scene.startsWith(LINK_SCENE)) return `/link scanned ${scene.slice(LINK_SCENE.length)}`;
  return `/start ${scene}`.trim();
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
