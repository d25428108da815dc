import type { InboxEvent, InboxStore } from "../../src/core/chat/inbox.ts";

interface SavedEvent extends InboxEvent {
  readonly key: string;
  readonly platform: string;
  readonly bot: string;
  payload: unknown;
  attempts: number;
  isHandled: boolean;
}

/** An inbox in memory. What it holds survives a "restart" when it is given to the next program. */
export class MemoryInbox implements InboxStore {
  readonly #events: SavedEvent[] = [];

  /** Everything ever saved, oldest first, for tests to look at. */
  get events(): readonly Readonly<SavedEvent>[] {
    return this.#events;
  }

  async save(
    platform: string,
    bot: string,
    events: readonly { readonly eventId: string; readonly payload: unknown }[],
  ): Promise<InboxEvent[]> {
    const saved: InboxEvent[] = [];
    for (const { eventId, payload } of events) {
      const key = JSON.stringify([platform, bot, eventId]);
      if (this.#events.some((event) => event.key === key)) continue;
      const id = BigInt(this.#events.length + 1);
      const event = { id, eventId, attempts: 1, isCounted: true };
      const place = { key, platform, bot, isHandled: false };
      this.#events.push({ ...event, ...place, payload: structuredClone(payload) });
      saved.push({ ...event, payload: structuredClone(payload) });
    }
    return saved;
  }

  async listUnhandled(platform: string, bot: string): Promise<InboxEvent[]> {
    return this.#events
      .filter((event) => event.platform === platform && event.bot === bot && !event.isHandled)
      .map(({ id, eventId, payload, attempts }) => {
        return { id, eventId, payload, attempts, isCounted: false };
      });
  }

  async countAttempt(id: bigint): Promise<void> {
    const event = this.#events.find((candidate) => candidate.id === id);
    if (event !== undefined) event.attempts += 1;
  }

  async markHandled(id: bigint): Promise<void> {
    const event = this.#events.find((candidate) => candidate.id === id);
    if (event === undefined) return;
    event.isHandled = true;
    event.payload = null;
  }
}
