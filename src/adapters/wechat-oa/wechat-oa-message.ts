import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { IncomingAttachment, IncomingMessage } from "../../core/chat/incoming-message.ts";
import { OutsideError } from "../../core/errors.ts";
import type { EventRoute } from "../shared/inbox-runner.ts";
import { overtakesOf } from "../shared/overtakes.ts";
import { CUSTOMER_SERVICE_CAPABILITIES } from "./wechat-oa-capabilities.ts";
import { WECHAT_OA } from "./wechat-oa-errors.ts";
import { commandOf, eventIdOf, kindOfPayload, WechatOaPayload } from "./wechat-oa-payload.ts";
import type { Contact } from "./wechat-oa-send-budget.ts";

/** Where a picture can be had; one of the two is enough. */
export interface PictureSource {
  readonly url: string | null;
  readonly mediaId: string | null;
}

/** What reading a message needs to know besides the message. */
export interface MessageContext {
  readonly bot: string;
  readonly now: Date;
  /** Throws as `IncomingAttachment.load` does. */
  readonly loadPicture: (source: PictureSource, sizeBytesMax: number) => Promise<Uint8Array>;
}

/** What a message or event means to us. */
export type WechatOaEvent =
  | {
      readonly type: "contact";
      readonly message: IncomingMessage;
      readonly contact: Contact;
      /** They just began to follow the account. */
      readonly isFollower: boolean;
    }
  | { readonly type: "left"; readonly openId: string };

/** `null` when it is nothing to us. Throws a `ZodError` when it is no message at all. */
export function parsePayload(raw: unknown, context: MessageContext): WechatOaEvent | null {
  const payload = WechatOaPayload.parse(raw);
  const openId = payload.FromUserName;
  const kind = kindOfPayload(payload);
  if (kind === "left") return { type: "left", openId };
  if (kind === "ignored") return null;
  const isEvent = payload.MsgType === "event";
  return {
    type: "contact",
    message: messageOf(payload, context),
    contact: {
      kind: isEvent ? "event" : "message",
      eventId: eventIdOf(payload),
      atMs: Number(payload.CreateTime) * 1000,
    },
    isFollower: isEvent && payload.Event?.toLowerCase() === "subscribe",
  };
}

/** Where an event belongs in the order of events: a command does not wait for questions. */
export function routePayload(raw: unknown): EventRoute {
  const { data: payload } = WechatOaPayload.safeParse(raw);
  const person = payload?.FromUserName ?? "";
  return {
    lane: person,
    person,
    overtakes:
      payload?.MsgType === "event"
        ? "questions"
        : overtakesOf(payload?.Content ?? "", CUSTOMER_SERVICE_CAPABILITIES),
    batch: null,
  };
}

export function chatAddress(openId: string, bot: string): ChatAddress {
  return { platform: WECHAT_OA, bot, channel: openId, thread: null };
}

function messageOf(payload: WechatOaPayload, context: MessageContext): IncomingMessage {
  const openId = payload.FromUserName;
  return {
    id: eventIdOf(payload),
    address: chatAddress(openId, context.bot),
    // WeChat tells an account neither names nor languages; its menu here is Chinese as well.
    sender: { platformUserId: openId, displayName: "", username: null, locale: "zh" },
    text: textOf(payload),
    isDirect: true,
    isEdit: false,
    quotedText: null,
    attachments: attachmentsOf(payload, context),
    receivedAt: context.now,
  };
}

function textOf(payload: WechatOaPayload): string {
  if (payload.MsgType === "text") return (payload.Content ?? "").trim();
  // Where speech recognition is on, WeChat writes down what was said.
  if (payload.MsgType === "voice") return (payload.Recognition ?? "").trim();
  return commandOf(payload) ?? "";
}

function attachmentsOf(payload: WechatOaPayload, context: MessageContext): IncomingAttachment[] {
  const { MsgType: type, PicUrl, MediaId } = payload;
  if (type === "event" || textOf(payload) !== "") return [];
  if (type === "image") {
    const source = { url: PicUrl ?? null, mediaId: MediaId ?? null };
    return [
      {
        kind: "image",
        name: "image.jpg",
        mediaType: "image/jpeg",
        sizeBytes: 0,
        load: (sizeBytesMax) => context.loadPicture(source, sizeBytesMax),
      },
    ];
  }
  // A text without a text has nothing else in it either.
  if (type === "text") return [];
  return [
    {
      kind: "other",
      name: type,
      mediaType: "application/octet-stream",
      sizeBytes: 0,
      load: () => Promise.reject(new OutsideError(WECHAT_OA, "rejected")),
    },
  ];
}
