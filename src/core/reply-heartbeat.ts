import { HOLD_LEASE_MS } from "./ask-question.ts";
import type { Logger } from "./log.ts";
import type { ReplyStore } from "./reply-store.ts";

/**
 * Shows that the replies this process writes are alive: keeps their holds and tells the sweepers
 * that no other worker is needed. One statement for all of them.
 */
export class ReplyHeartbeat {
  readonly #store: ReplyStore;
  readonly #log: Logger;
  readonly #replyIds = new Set<string>();

  constructor(store: ReplyStore, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  add(replyId: string): void {
    this.#replyIds.add(replyId);
  }

  remove(replyId: string): void {
    this.#replyIds.delete(replyId);
  }

  /** To be called every few seconds. */
  async beat(): Promise<void> {
    if (this.#replyIds.size === 0) return;
    try {
      await this.#store.heartbeat([...this.#replyIds], HOLD_LEASE_MS);
    } catch (error) {
      this.#log.warn({ err: error }, "heartbeat failed");
    }
  }
}
