import type { ChatAddress } from "../chat/chat-address.ts";

/** A message of our own to one chat: part of a broadcast, or news for admins. */
export interface Notice {
  readonly id: string;
  readonly address: ChatAddress;
  readonly text: string;
}

/** Keeps notices until their gateway has sent them. */
export interface NoticeStore {
  /** Saves those whose cause is new and returns them. */
  add(
    notices: readonly {
      readonly address: ChatAddress;
      readonly text: string;
      readonly cause: string;
    }[],
  ): Promise<Notice[]>;
  /** `null` when it is no longer waiting. */
  findQueued(id: string): Promise<Notice | null>;
  /** "parked": it waits until the person writes. */
  mark(id: string, state: "sent" | "failed" | "parked"): Promise<void>;
  /** What is parked for a chat waits to be sent again; returns it, oldest first. */
  unpark(address: ChatAddress): Promise<Notice[]>;
  /** Those waiting for at least `ageMs`. */
  listQueued(ageMs: number, limit: number): Promise<Notice[]>;
}
