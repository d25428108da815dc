import { z } from "zod";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { EventRoute } from "../shared/inbox-runner.ts";
import { overtakesOf } from "../shared/overtakes.ts";
import { ACCOUNT_CAPABILITIES } from "./wechat-capabilities.ts";
import { WECHAT } from "./wechat-errors.ts";

const Common = {
  /** The name of the seat that heard it, so that its files can be fetched there. */
  seat: z.string(),
  id: z.string(),
  receivedAt: z.iso.datetime(),
};

const Person = { personId: z.string(), personName: z.string() };

/**
 * One thing that happened, as it is kept in the inbox. wechaty's own objects cannot be written
 * down, so this is what has to be known when it is handled after a restart.
 */
export const WechatEvent = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("message"),
    ...Common,
    ...Person,
    /** `null` in a private chat. */
    roomId: z.string().nullable(),
    text: z.string(),
    quotedText: z.string().nullable(),
    file: z.object({ kind: z.enum(["image", "file", "other"]), name: z.string() }).nullable(),
  }),
  /** A transfer or a red envelope; no puppet can take it or say how much it is. */
  z.object({ kind: z.literal("money"), ...Common, ...Person }),
  /** Somebody asks to be our friend, and may. */
  z.object({ kind: z.literal("friend_request"), ...Common, ...Person }),
  z.object({ kind: z.literal("new_friend"), ...Common, ...Person }),
  z.object({ kind: z.literal("room_invitation"), ...Common }),
]);
export type WechatEvent = z.infer<typeof WechatEvent>;
export type WechatMessage = Extract<WechatEvent, { readonly kind: "message" }>;

/** Ids are only unique within one account of WeChat. */
export function eventIdOf({ seat, kind, id }: WechatEvent): string {
  return `${seat}:${kind}:${id}`;
}

/** Where an event belongs in the order of events. */
export function routeEvent(payload: unknown): EventRoute {
  const { data: event } = WechatEvent.safeParse(payload);
  if (event === undefined) return { lane: "", person: "", overtakes: "nothing", batch: null };
  const text = event.kind === "message" ? event.text : "";
  return {
    lane: laneOf(event),
    person: event.kind === "room_invitation" ? "" : event.personId,
    overtakes: overtakesOf(text, ACCOUNT_CAPABILITIES),
    batch: null,
  };
}

export function chatAddress(channel: string, bot: string): ChatAddress {
  return { platform: WECHAT, bot, channel, thread: null };
}

function laneOf(event: WechatEvent): string {
  if (event.kind === "room_invitation") return event.id;
  return event.kind === "message" ? (event.roomId ?? event.personId) : event.personId;
}
