import type { InboxEvent, InboxStore } from "../../core/chat/inbox.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { DISCORD } from "./discord-errors.ts";
import { eventIdOf } from "./discord-message.ts";
import type { SavedEvent } from "./discord-payload.ts";

/** Events that wait for the database; beyond that they are lost, as we cannot hold Discord up. */
const WAITING_MAX = 5_000;
const SAVED_TOGETHER_MAX = 100;
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 10_000;

/** Where events go on to, once they are saved. */
export interface IntakeTarget {
  waitForRoom(signal: AbortSignal): Promise<void>;
  accept(events: readonly InboxEvent[]): void;
}

export interface IntakeOptions {
  readonly bot: string;
  readonly inbox: InboxStore;
  readonly target: IntakeTarget;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Saves events in the order they come, for as long as it takes, and then passes them on. */
export class DiscordIntake {
  readonly #options: IntakeOptions;
  readonly #waiting: SavedEvent[] = [];
  readonly #stopping = new AbortController();
  #saving: Promise<void> | null = null;
  #problem: string | null = null;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** `null` when events are being saved; else one sentence for operators. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Returns at once. */
  receive(event: SavedEvent): void {
    if (this.#waiting.length >= WAITING_MAX) {
      this.#options.log.error({ eventId: eventIdOf(event) }, "event lost: too many wait");
      return;
    }
    this.#waiting.push(event);
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
    const { bot, inbox, target, clock, log } = this.#options;
    const signal = this.#stopping.signal;
    let waitMs = RETRY_MS;
    while (this.#waiting.length > 0) {
      await target.waitForRoom(signal);
      const events = this.#waiting.slice(0, SAVED_TOGETHER_MAX);
      try {
        const rows = events.map((payload) => ({ eventId: eventIdOf(payload), payload }));
        const saved = await inbox.save(DISCORD, bot, rows);
        this.#waiting.splice(0, events.length);
        this.#problem = null;
        waitMs = RETRY_MS;
        target.accept(saved);
      } catch (error) {
        log.error({ err: error, events: events.length }, "events not saved");
        if (signal.aborted) return;
        this.#problem = "Discord: events cannot be saved to the database";
        await clock.sleep(waitMs, signal);
        waitMs = Math.min(waitMs * 2, RETRY_MS_MAX);
      }
    }
  }
}
