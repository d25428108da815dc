import type { InboxEvent, InboxStore } from "../../core/chat/inbox.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";

/** Events that wait for the database; beyond that they are lost: no platform here can be held up. */
const WAITING_MAX = 5_000;
const SAVED_TOGETHER_MAX = 100;
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 10_000;

/** Where events go on to, once they are saved. */
export interface IntakeTarget {
  waitForRoom(signal: AbortSignal): Promise<void>;
  accept(events: readonly InboxEvent[]): void;
}

/** Whose events are saved, where, and what for. */
export interface EventIntakeOptions<Event> {
  readonly platform: string;
  /** What people call it. */
  readonly platformName: string;
  readonly bot: string;
  /** The same for the same event, however often it comes. */
  readonly eventIdOf: (event: Event) => string;
  readonly inbox: InboxStore;
  readonly target: IntakeTarget;
  readonly clock: Clock;
  readonly log: Logger;
}

interface WaitingEvent<Event> {
  readonly event: Event;
  readonly onSaved: () => void;
}

/**
 * For platforms that bring events over a connection and ask for no receipt: saves them in the order
 * they come, for as long as it takes, and then passes them on. One that comes twice is saved once.
 */
export class EventIntake<Event> {
  readonly #options: EventIntakeOptions<Event>;
  readonly #waiting: WaitingEvent<Event>[] = [];
  readonly #stopping = new AbortController();
  #saving: Promise<void> | null = null;
  #problem: string | null = null;

  constructor(options: EventIntakeOptions<Event>) {
    this.#options = options;
  }

  /** `null` when events are being saved; else one sentence for operators. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Returns at once. `onSaved` is called when the event cannot be lost any more. */
  receive(event: Event, onSaved: () => void = () => {}): void {
    const { eventIdOf, log } = this.#options;
    if (this.#waiting.length >= WAITING_MAX) {
      log.error({ eventId: eventIdOf(event) }, "event lost: too many wait");
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
    const { platform, platformName, bot, eventIdOf, inbox, target, clock, log } = this.#options;
    const { signal } = this.#stopping;
    let waitMs = RETRY_MS;
    while (this.#waiting.length > 0) {
      await target.waitForRoom(signal);
      const taken = this.#waiting.slice(0, SAVED_TOGETHER_MAX);
      try {
        const rows = taken.map(({ event }) => ({ eventId: eventIdOf(event), payload: event }));
        const saved = await inbox.save(platform, bot, rows);
        this.#waiting.splice(0, taken.length);
        this.#problem = null;
        waitMs = RETRY_MS;
        for (const { onSaved } of taken) onSaved();
        target.accept(saved);
      } catch (error) {
        log.error({ err: error, events: taken.length }, "events not saved");
        if (signal.aborted) return;
        this.#problem = `${platformName}: events cannot be saved to the database`;
        await clock.sleep(waitMs, signal);
        waitMs = Math.min(waitMs * 2, RETRY_MS_MAX);
      }
    }
  }
}
