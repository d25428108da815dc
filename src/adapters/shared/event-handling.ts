import type { InboxEvent, InboxStore } from "../../core/chat/inbox.ts";
import type { Clock } from "../../core/clock.ts";
import { OutsideError, UserError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";

const ATTEMPTS_MAX = 5;
const RETRY_MS = 1_000;
const STORE_RETRY_MS_MAX = 10_000;

/** What handling saved events needs. */
export interface EventHandlingOptions {
  readonly store: InboxStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Gets one payload, or all of one batch. May be called twice with the same. */
  handle(payloads: readonly unknown[]): Promise<void>;
}

/**
 * Handles saved events and marks them so. A handler that throws is tried again up to five times,
 * through restarts too, then its events are given up with an error in the log. Never throws; when the
 * signal aborts, what is not handled yet stays unmarked for the next start.
 */
export class EventHandling {
  readonly #options: EventHandlingOptions;
  readonly #signal: AbortSignal;

  constructor(options: EventHandlingOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  async run(events: readonly InboxEvent[]): Promise<void> {
    const { store, clock, log } = this.#options;
    const eventIds = events.map(({ eventId }) => eventId);
    let attempts = Math.max(...events.map((event) => event.attempts));
    let isCounted = events.every((event) => event.isCounted);
    for (;;) {
      if (!isCounted) {
        if (attempts >= ATTEMPTS_MAX) {
          log.error({ eventIds, attempts }, "event given up");
          break;
        }
        if (!(await this.#write(events, ({ id }) => store.countAttempt(id)))) return;
        attempts += 1;
      }
      isCounted = false;
      const retryMs = await this.#try(events, eventIds, attempts);
      if (retryMs === null) break;
      if (attempts < ATTEMPTS_MAX) await clock.sleep(retryMs, this.#signal);
      if (this.#signal.aborted) return;
    }
    await this.#write(events, ({ id }) => store.markHandled(id));
  }

  /** `null` when nothing is to be tried again. */
  async #try(
    events: readonly InboxEvent[],
    eventIds: readonly string[],
    attempt: number,
  ): Promise<number | null> {
    const { handle, log } = this.#options;
    try {
      await handle(events.map(({ payload }) => payload));
      return null;
    } catch (error) {
      if (error instanceof UserError) {
        log.info({ code: error.code, eventIds }, "event refused");
        return null;
      }
      log.warn({ err: error, eventIds, attempt }, "event failed");
      const toldMs = error instanceof OutsideError ? (error.retryAfterMs ?? 0) : 0;
      return Math.max(toldMs, RETRY_MS * 2 ** (attempt - 1));
    }
  }

  /** Repeats until the store has it; `false` when we stop first. */
  async #write(
    events: readonly InboxEvent[],
    write: (event: InboxEvent) => Promise<void>,
  ): Promise<boolean> {
    const { clock, log } = this.#options;
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(waitMs * 2, STORE_RETRY_MS_MAX)) {
      try {
        await Promise.all(events.map(write));
        return true;
      } catch (error) {
        log.error({ err: error }, "inbox cannot be written");
        if (this.#signal.aborted) return false;
        await clock.sleep(waitMs, this.#signal);
      }
    }
  }
}
