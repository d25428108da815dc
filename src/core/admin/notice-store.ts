import type { ChatAddress } from "../chat/chat-address.ts";

/** A message of our own to one chat: part of a broadcast, or news for admins. */
export interface Notice {
  readonly id: string;
  readonly address: ChatAddress;
  readonly text: string;
}

/** Keeps notices until their gateway has sent them. */
export interface NoticeStore {
  /** Saves those whose cause is new and returns them, in their order. */
  add(
    notices: readonly {
      readonly address: ChatAddress;
      readonly text: string;
      readonly cause: string;
    }[],
  ): Promise<Notice[]>;
  /**
   * Saves news for all admin chats, wherever they are served, once for its cause. `knownIn` is a
   * chat that need not be told.
   */
  addForAdmins(cause: string, text: string, knownIn: ChatAddress | null): Promise<void>;
  /**
   * Makes a notice of each piece of news that one of these admin chats has not got, oldest first,
   * and returns them. However often and from however many processes: once for each chat.
   */
  addToAdminChats(chats: readonly ChatAddress[]): Promise<Notice[]>;
  /** `null` when it is no longer waiting. */
  findQueued(id: string): Promise<Notice | null>;
  /** "parked": it waits until the person writes. */
  mark(id: string, state: "sent" | "failed" | "parked"): Promise<void>;
  /** What is parked for a chat waits to be sent again; returns it, oldest first. */
  unpark(address: ChatAddress): Promise<Notice[]>;
  /** Those waiting for at least `ageMs`, oldest first. */
  listQueued(ageMs: number, limit: number): Promise<Notice[]>;
}
