import { type ChatAddress, chatKey } from "../chat/chat-address.ts";
import type { ConversationOwner } from "./conversation-store.ts";

/** In private, or where the configuration keeps people apart, each has a conversation of their own. */
export function conversationOwner(
  address: ChatAddress,
  isDirect: boolean,
  accountId: string,
  groupContext: "person" | "chat",
): ConversationOwner {
  if (!isDirect && groupContext === "chat") return { key: chatKey(address), accountId: null };
  return { key: `${chatKey(address)}:${accountId}`, accountId };
}
