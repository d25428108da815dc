import type { InboxEvent, InboxStore } from "../../core/chat/inbox.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { TELEGRAM, type TelegramApi, TelegramRefusal } from "./telegram-api.ts";
import { type ConnectionProblem, describeProblem } from "./telegram-connection.ts";
import { ALLOWED_UPDATES } from "./telegram-update.ts";

// https://core.telegram.org/bots/api#getupdates: Telegram waits for at most 50 s.
const POLL_SECONDS = 30;
const POLL_TIMEOUT_MS = (POLL_SECONDS + 15) * 1000;
const UPDATES_MAX = 100;
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 60_000;
/** A single failed call is nothing an operator must know of. */
const FAILURES_TOLERATED = 1;

/** Where received updates go on to, once they are saved. */
export interface PollerTarget {
  /** Resolves when there is room for more, or when the signal aborts. */
  waitForRoom(signal: AbortSignal): Promise<void>;
  accept(events: readonly InboxEvent[]): void;
}

export interface PollerOptions {
  readonly api: TelegramApi;
  readonly bot: string;
  readonly inbox: InboxStore;
  readonly target: PollerTarget;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Fetches updates by long polling. Updates are saved before the next call confirms them, so that
 * a crash loses none; those that arrive twice are recognized by the inbox. Failures are retried
 * for ever, with growing pauses.
 */
export class TelegramPoller {
  readonly #options: PollerOptions;
  #offset: number | null = null;
  #failures = 0;
  #problem: string | null = null;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  /** `null` when polling works; else one sentence for operators. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Resolves when the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { target, clock, log } = this.#options;
    while (!signal.aborted) {
      await target.waitForRoom(signal);
      if (signal.aborted) return;
      try {
        await this.#poll(signal);
        this.#failures = 0;
        this.#problem = null;
      } catch (error) {
        if (signal.aborted) return;
        this.#failures += 1;
        const problem = describe(error);
        if (problem.isLasting || this.#failures > FAILURES_TOLERATED) this.#problem = problem.text;
        log.warn({ err: error, failures: this.#failures }, "polling failed");
        await clock.sleep(this.#retryMs(error), signal);
      }
    }
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { api, bot, inbox, target } = this.#options;
    // After a failure ask at once, so that the recovery shows without waiting for a message.
    const isProbe = this.#problem === null && this.#failures > 0;
    const updates = await api.call(
      (raw, aborted) =>
        raw.getUpdates(
          {
            timeout: isProbe ? 0 : POLL_SECONDS,
            limit: UPDATES_MAX,
            allowed_updates: ALLOWED_UPDATES,
            ...(this.#offset !== null && { offset: this.#offset }),
          },
          aborted,
        ),
      { timeoutMs: POLL_TIMEOUT_MS, signal },
    );
    const last = updates.at(-1);
    if (last === undefined) return;
    const events = updates.map((payload) => ({ eventId: String(payload.update_id), payload }));
    target.accept(await saved(inbox.save(TELEGRAM, bot, events)));
    this.#offset = last.update_id + 1;
  }

  #retryMs(error: unknown): number {
    const toldMs = error instanceof TelegramRefusal ? (error.retryAfterMs ?? 0) : 0;
    const growingMs = RETRY_MS * 2 ** Math.min(this.#failures - 1, 10);
    return Math.max(toldMs, Math.min(growingMs, RETRY_MS_MAX));
  }
}

/** The database refused updates; Telegram keeps them for a day. */
class InboxFailure extends Error {
  override readonly name = "InboxFailure";
}

async function saved(saving: Promise<InboxEvent[]>): Promise<InboxEvent[]> {
  try {
    return await saving;
  } catch (cause) {
    throw new InboxFailure("updates not saved", { cause });
  }
}

function describe(error: unknown): ConnectionProblem {
  if (!(error instanceof InboxFailure)) return describeProblem(error);
  return { text: "Telegram: updates cannot be saved to the database", isLasting: true };
}
