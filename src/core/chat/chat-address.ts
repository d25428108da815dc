/** Where a message lives. `channel` and `thread` are opaque to the core. */
export interface ChatAddress {
  readonly platform: string;
  /** The configured name of the connection (Telegram: the bot's id). */
  readonly bot: string;
  /** The platform's id of the chat, as operators write it in `ADMIN_CHATS`. */
  readonly channel: string;
  /** A topic or thread inside the channel; `null` when there is none. */
  readonly thread: string | null;
}

/** One text for one chat, equal exactly when the chats are equal. */
export function chatKey(address: ChatAddress): string {
  const parts = [address.platform, address.bot, address.channel, address.thread ?? ""];
  return parts.map(encodeURIComponent).join(":");
}
