import type { Clock } from "../../../core/clock.ts";
import type { Logger } from "../../../core/log.ts";
import { IlinkRefusal } from "./ilink-errors.ts";
import type { IlinkPart } from "./ilink-message.ts";
import type { IlinkSession } from "./ilink-session.ts";

const RETRY_MS = 1_000;
const RETRY_MS_MAX = 8_000;
const ROOM_CHECK_MS = 200;
const RECOVERIES_MAX = 3;
/** A server that answers at once with nothing is not asked more often than this. */
const EMPTY_PAUSE_MS = 1_000;

export interface PollerOptions {
  readonly session: IlinkSession;
  readonly clock: Clock;
  readonly log: Logger;
  /** iLink knows the token: called once, before any message. */
  onConnected(): void;
  onPart(part: IlinkPart): void;
  /** A call failed; it is made again. */
  onFailure(error: unknown): void;
}

/**
 * Fetches the messages of one bot by long polling, for as long as its login lasts. Failures are
 * retried with growing pauses.
 */
export class IlinkPoller {
  readonly #options: PollerOptions;
  /** How often it looked like one since the last poll that worked. */
  #recoveries = 0;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  /** Resolves when the signal aborts or the login has ended; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { session } = this.#options;
    const isConnected = await this.#retry(signal, () => this.#connect(signal));
    if (!isConnected) return;
    while (!signal.aborted && !session.isEnded) {
      await this.#waitForRoom(signal);
      if (!(await this.#retry(signal, () => this.#poll(signal)))) return;
    }
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { session, onConnected, onPart } = this.#options;
    await this.#announce(signal);
    onConnected();
    // Handed to a puppet before, which stopped before anybody confirmed them.
    for (const part of session.cursor.unconfirmed) onPart(part);
  }

  async #announce(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.session.client.announceStart(signal);
    } catch (error) {
      // It is a courtesy: that it is refused says nothing, except of a stale token.
      if (!(error instanceof IlinkRefusal) || error.isStaleToken) throw error;
    }
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { session, clock, onPart } = this.#options;
    if (session.failures > 0) {
      // A poll may take half a minute; this answers at once, so that the recovery shows.
      await this.#announce(signal);
      // Unless polls fail on and on though this works.
      if (this.#recoveries < RECOVERIES_MAX) session.failures = 0;
      this.#recoveries += 1;
    }
    const askedAtMs = clock.now().getTime();
    const updates = await session.client.readUpdates(session.cursor.next, signal);
    this.#recoveries = 0;
    const isEmpty = updates.messages.length === 0;
    for (const part of await session.receive(updates)) onPart(part);
    const elapsedMs = clock.now().getTime() - askedAtMs;
    if (isEmpty && elapsedMs < EMPTY_PAUSE_MS) await clock.sleep(EMPTY_PAUSE_MS, signal);
  }

  /** `false` when there is no use in trying any more. */
  async #retry(signal: AbortSignal, attempt: () => Promise<void>): Promise<boolean> {
    const { session, clock, log, onFailure } = this.#options;
    while (!signal.aborted && !session.isEnded) {
      try {
        await attempt();
        session.failures = 0;
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        if (error instanceof IlinkRefusal && error.isStaleToken) {
          session.endByIlink();
          return false;
        }
        session.failures += 1;
        log.warn({ err: error, failures: session.failures }, "polling iLink failed");
        onFailure(error);
        const waitMs = RETRY_MS * 2 ** Math.min(session.failures - 1, 10);
        await clock.sleep(Math.min(waitMs, RETRY_MS_MAX), signal);
      }
    }
    return false;
  }

  async #waitForRoom(signal: AbortSignal): Promise<void> {
    const { session, clock } = this.#options;
    while (session.cursor.isFull && !signal.aborted) await clock.sleep(ROOM_CHECK_MS, signal);
  }
}
