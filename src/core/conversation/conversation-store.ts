/** An exchange whose turns form the context; any old one can be resumed. */
export interface Conversation {
  readonly id: string;
  readonly title: string;
  readonly lastTurnAt: Date;
  readonly isCurrent: boolean;
}

export interface StoredTurn {
  readonly id: bigint;
  readonly author: "user" | "assistant";
  readonly text: string;
  readonly imageCount: number;
  readonly createdAt: Date;
}

export interface StoredImage {
  readonly turnId: bigint;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/**
 * Whose current conversation is meant: a person's in one chat, or (`accountId` null) the one a
 * group shares.
 */
export interface ConversationOwner {
  readonly key: string;
  readonly accountId: string | null;
}

/** Keeps conversations and every turn of them. */
export interface ConversationStore {
  /** The conversation that goes on here; begins one when there is none. */
  readCurrent(owner: ConversationOwner): Promise<string>;
  startNew(owner: ConversationOwner): Promise<string>;
  /** Those with at least one turn, newest first. */
  list(owner: ConversationOwner, limit: number): Promise<Conversation[]>;
  resume(owner: ConversationOwner, conversationId: string): Promise<void>;
  /**
   * The newest turns that are part of the context, oldest first: only those before `beforeId`, and
   * neither `exceptId` nor the answer to it.
   */
  readContext(
    conversationId: string,
    limit: number,
    range: { readonly beforeId: bigint | null; readonly exceptId: bigint | null },
  ): Promise<StoredTurn[]>;
  /** Throws when there is no such turn. */
  readTurn(turnId: bigint): Promise<StoredTurn>;
  readImages(turnIds: readonly bigint[]): Promise<StoredImage[]>;
  /** All turns of a conversation, oldest first, the newest `limit` of them. */
  readTurns(conversationId: string, limit: number): Promise<StoredTurn[]>;
}
