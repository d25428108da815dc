import type { ChatAddress } from "../chat/chat-address.ts";

/** `platform:id` as operators write it; the id may hold further colons. */
export interface PlatformId {
  readonly platform: string;
  readonly id: string;
}

export function formatPlatformId({ platform, id }: PlatformId): string {
  return `${platform}:${id}`;
}

/**
 * Who may use admin commands: only in a chat listed as an admin chat, and only those listed as
 * admins; with no admin listed, whoever can write there.
 */
export class AdminAccess {
  readonly #chats: ReadonlySet<string>;
  readonly #users: ReadonlySet<string>;

  constructor(chats: readonly PlatformId[], users: readonly PlatformId[]) {
    this.#chats = new Set(chats.map(formatPlatformId));
    this.#users = new Set(users.map(formatPlatformId));
  }

  isAdminChat(address: ChatAddress): boolean {
    return this.#chats.has(formatPlatformId({ platform: address.platform, id: address.channel }));
  }

  isAdmin(address: ChatAddress, platformUserId: string): boolean {
    if (!this.isAdminChat(address)) return false;
    // The key of the browser's admin channel is the proof there.
    if (address.platform === "web") return true;
    const user = formatPlatformId({ platform: address.platform, id: platformUserId });
    return this.#users.size === 0 || this.#users.has(user);
  }
}
