import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { WebViewer } from "../../core/chat/web-panel.ts";
import { preferredLocale } from "./web-requests.ts";
import { isVisitorId, type WebSession } from "./web-session.ts";

export const WEB = { platform: "web", bot: "web" } as const;
/** Everybody with the admin key shares this channel; operators write it `web:admin`. */
export const ADMIN_CHANNEL = "admin";

/** The people one set of addresses is for. */
export interface Audience {
  readonly prefix: "/chat" | "/admin-chat";
  /** Open tabs of one channel that are told what happens. */
  readonly streamsMax: number;
  /** `null` when the request carries no valid cookie. */
  identify(request: Request): WebViewer | null;
}

export function visitors(session: WebSession): Audience {
  return {
    prefix: "/chat",
    streamsMax: 8,
    identify: (request) => {
      const visitor = session.readVisitor(request);
      return visitor === null ? null : createViewer(request, visitor.id);
    },
  };
}

export function admins(session: WebSession): Audience {
  return {
    prefix: "/admin-chat",
    streamsMax: 50,
    identify: (request) => (session.isAdmin(request) ? createViewer(request, ADMIN_CHANNEL) : null),
  };
}

export function addressOf(channel: string): ChatAddress {
  return { ...WEB, channel, thread: null };
}

/** Whether somebody can have that user id here. */
export function isUserId(platformUserId: string): boolean {
  return platformUserId === ADMIN_CHANNEL || isVisitorId(platformUserId);
}

/** A person's channel is named after them: each has one. */
function createViewer(request: Request, userId: string): WebViewer {
  const sender = {
    platformUserId: userId,
    displayName: "",
    username: null,
    locale: preferredLocale(request),
  };
  return { address: addressOf(userId), sender, isAdmin: userId === ADMIN_CHANNEL };
}
