/** One event as the platform sent it, kept until it is handled. */
export interface InboxEvent {
  readonly id: bigint;
  readonly eventId: string;
  readonly payload: unknown;
  /** Tries so far. */
  readonly attempts: number;
  /** The next try is among them: saving an event counts its first, which saves a write each. */
  readonly isCounted: boolean;
}

/**
 * Keeps a platform's events from the moment they are received until they are handled, so that
 * confirming them to the platform can never lose one. Payloads are erased when handled: they may
 * hold card codes.
 */
export interface InboxStore {
  /**
   * Saves the events it has not seen and returns those, in order. An event with a known
   * `eventId` is left out. Their first try is counted.
   */
  save(
    platform: string,
    bot: string,
    events: readonly { readonly eventId: string; readonly payload: unknown }[],
  ): Promise<InboxEvent[]>;
  /** Events saved but not handled, oldest first: what a crash left behind. */
  listUnhandled(platform: string, bot: string): Promise<InboxEvent[]>;
  /** Counts one more try; call it before that, so that a poisonous event cannot crash us forever. */
  countAttempt(id: bigint): Promise<void>;
  markHandled(id: bigint): Promise<void>;
}
