import type { InboxEvent, InboxStore } from "../../core/chat/inbox.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { WECOM } from "./wecom-errors.ts";
import type { SavedMessage } from "./wecom-payload.ts";

/** Messages that wait for the database; beyond that they are lost, as we cannot hold WeCom up. */
const WAITING_MAX = 5_000;
const SAVED_TOGETHER_MAX = 100;
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 10_000;

export interface IntakeOptions {
  readonly bot: string;
  readonly inbox: InboxStore;
  /** Where messages go on to, once they are saved. */
  readonly onSaved: (events: readonly InboxEvent[]) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Saves messages in the order they come, for as long as it takes, and then passes them on. A
 * message that comes twice is saved once.
 */
export class WecomIntake {
  readonly #options: IntakeOptions;
  readonly #waiting: SavedMessage[] = [];
  readonly #stopping = new AbortController();
  #saving: Promise<void> | null = null;
  #problem: string | null = null;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** `null` when messages are being saved; else one sentence for operators. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Returns at once. */
  receive(message: SavedMessage): void {
    if (this.#waiting.length >= WAITING_MAX) {
      const { msgid } = message.message;
      this.#options.log.error({ eventId: msgid }, "message lost: too many wait");
      return;
    }
    this.#waiting.push(message);
    this.#saving ??= this.#saveAll().finally(() => {
      this.#saving = null;
    });
  }

  /** Waits for what came in; gives up on a database that does not answer. */
  async drain(): Promise<void> {
    this.#stopping.abort();
    await this.#saving;
  }

  async #saveAll(): Promise<void> {
    const { bot, inbox, onSaved, clock, log } = this.#options;
    const { signal } = this.#stopping;
    let waitMs = RETRY_MS;
    while (this.#waiting.length > 0) {
      const messages = this.#waiting.slice(0, SAVED_TOGETHER_MAX);
      try {
        const rows = messages.map((payload) => ({ eventId: payload.message.msgid, payload }));
        const saved = await inbox.save(WECOM, bot, rows);
        this.#waiting.splice(0, messages.length);
        this.#problem = null;
        waitMs = RETRY_MS;
        onSaved(saved);
      } catch (error) {
        log.error({ err: error, events: messages.length }, "messages not saved");
        if (signal.aborted) return;
        this.#problem = "WeCom: messages cannot be saved to the database";
        await clock.sleep(waitMs, signal);
        waitMs = Math.min(waitMs * 2, RETRY_MS_MAX);
      }
    }
  }
}
