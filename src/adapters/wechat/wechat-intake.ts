import type { InboxEvent, InboxStore } from "../../core/chat/inbox.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { WECHAT } from "./wechat-errors.ts";
import { eventIdOf, type WechatEvent } from "./wechat-event.ts";

/** Events that wait for the database; beyond that they are lost, as WeChat cannot be held up. */
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

interface WaitingEvent {
  readonly event: WechatEvent;
  readonly onSaved: () => void;
}

/** Saves events in the order they come, for as long as it takes, and then passes them on. */
export class WechatIntake {
  readonly #options: IntakeOptions;
  readonly #waiting: WaitingEvent[] = [];
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

  /** Returns at once. `onSaved` is called when the event cannot be lost any more. */
  receive(event: WechatEvent, onSaved: () => void): void {
    if (this.#waiting.length >= WAITING_MAX) {
      this.#options.log.error({ eventId: eventIdOf(event) }, "event lost: too many wait");
      return;
    }
    this.#waiting.push({ event, onSaved });
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
    const { signal } = this.#stopping;
    let waitMs = RETRY_MS;
    while (this.#waiting.length > 0) {
      await target.waitForRoom(signal);
      const taken = this.#waiting.slice(0, SAVED_TOGETHER_MAX);
      try {
        const rows = taken.map(({ event }) => ({ eventId: eventIdOf(event), payload: event }));
        const saved = await inbox.save(WECHAT, bot, rows);
        this.#waiting.splice(0, taken.length);
        this.#problem = null;
        waitMs = RETRY_MS;
        for (const { onSaved } of taken) onSaved();
        target.accept(saved);
      } catch (error) {
        log.error({ err: error, events: taken.length }, "events not saved");
        if (signal.aborted) return;
        this.#problem = "WeChat: events cannot be saved to the database";
        await clock.sleep(waitMs, signal);
        waitMs = Math.min(waitMs * 2, RETRY_MS_MAX);
      }
    }
  }
}
