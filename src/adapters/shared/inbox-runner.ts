import type { InboxEvent, InboxStore } from "../../core/chat/inbox.ts";
import type { Clock } from "../../core/clock.ts";
import { OutsideError, UserError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";

/** Lanes that are worked on at the same time. Urgent events are not counted. */
const LANES_MAX = 64;
/** Events in memory above which a platform should wait before it fetches more. */
const PENDING_MAX = 2_000;
const ATTEMPTS_MAX = 5;
const RETRY_MS = 1_000;
const STORE_RETRY_MS_MAX = 10_000;
/** How long the rest of a batch may take to arrive. */
const BATCH_WAIT_MS = 1_000;
const BATCH_SIZE_MAX = 20;
const ROOM_CHECK_MS = 50;

/** Where an event belongs. */
export interface EventRoute {
  /** Events of one lane, a chat mostly, are handled one after the other. */
  readonly lane: string;
  /** Handled at once, whatever its lane is busy with: commands, button presses, payments. */
  readonly isUrgent: boolean;
  /** Neighbours in a lane with the same batch are handled together; `null`: it stands alone. */
  readonly batch: string | null;
}

/** What the runner needs to know of a platform. */
export interface InboxRunnerOptions {
  readonly platform: string;
  readonly bot: string;
  readonly store: InboxStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Never throws: what it does not understand goes to some lane and fails there. */
  route(payload: unknown): EventRoute;
  /** Gets one payload, or all of one batch. May be called twice with the same. */
  handle(payloads: readonly unknown[]): Promise<void>;
}

interface WaitingEvent {
  readonly event: InboxEvent;
  readonly batch: string | null;
  /** Urgent events of the same lane that came before: "/new" counts for the question after it. */
  readonly after: readonly Promise<void>[];
}

interface Lane {
  readonly name: string;
  readonly waiting: WaitingEvent[];
  readonly urgent: Set<Promise<void>>;
  isBusy: boolean;
}

/**
 * Handles the saved events of one connection: in order within a lane, lanes in parallel, urgent
 * ones at once. A handler that throws is tried again up to five times, then its event is given
 * up with an error in the log. What is not finished when it stops is found again at the next start.
 */
export class InboxRunner {
  readonly #options: InboxRunnerOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #ready: Lane[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #busyLanes = 0;
  #pending = 0;

  constructor(options: InboxRunnerOptions) {
    this.#options = options;
  }

  /** Takes up what a crash left unhandled. */
  async start(): Promise<void> {
    const { store, platform, bot } = this.#options;
    this.accept(await store.listUnhandled(platform, bot));
  }

  get isFull(): boolean {
    return this.#pending >= PENDING_MAX;
  }

  /** Resolves when there is room for more events, or when the signal aborts. */
  async waitForRoom(signal: AbortSignal): Promise<void> {
    while (this.isFull && !signal.aborted) await this.#options.clock.sleep(ROOM_CHECK_MS, signal);
  }

  /** Takes saved events; returns at once. */
  accept(events: readonly InboxEvent[]): void {
    if (this.#stopping.signal.aborted) return;
    for (const event of events) {
      const { lane: name, isUrgent, batch } = this.#options.route(event.payload);
      const lane = this.#lane(name);
      this.#pending += 1;
      if (isUrgent) {
        this.#startUrgent(lane, event);
      } else {
        lane.waiting.push({ event, batch, after: [...lane.urgent] });
        if (!lane.isBusy && lane.waiting.length === 1) this.#ready.push(lane);
      }
    }
    this.#startLanes();
  }

  /** Starts nothing new and waits for what is being handled. */
  async drain(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  #lane(name: string): Lane {
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const lane: Lane = { name, waiting: [], urgent: new Set(), isBusy: false };
    this.#lanes.set(name, lane);
    return lane;
  }

  #startUrgent(lane: Lane, event: InboxEvent): void {
    const run = this.#run([event]).finally(() => {
      lane.urgent.delete(run);
      this.#forgetIdle(lane);
    });
    lane.urgent.add(run);
    this.#track(run);
  }

  #forgetIdle(lane: Lane): void {
    const isIdle = !lane.isBusy && lane.waiting.length === 0 && lane.urgent.size === 0;
    if (isIdle) this.#lanes.delete(lane.name);
  }

  #startLanes(): void {
    while (this.#busyLanes < LANES_MAX && !this.#stopping.signal.aborted) {
      const lane = this.#ready.shift();
      if (lane === undefined) return;
      lane.isBusy = true;
      this.#busyLanes += 1;
      this.#track(this.#runNext(lane).finally(() => this.#release(lane)));
    }
  }

  #release(lane: Lane): void {
    lane.isBusy = false;
    this.#busyLanes -= 1;
    // Back to the end of the queue, so that a busy chat does not keep its place from others.
    if (lane.waiting.length > 0) this.#ready.push(lane);
    this.#forgetIdle(lane);
    this.#startLanes();
  }

  async #runNext(lane: Lane): Promise<void> {
    const first = lane.waiting[0];
    if (first === undefined) return;
    await Promise.all(first.after);
    if (first.batch !== null) {
      await this.#options.clock.sleep(BATCH_WAIT_MS, this.#stopping.signal);
    }
    if (this.#stopping.signal.aborted) return;
    const taken = first.batch === null ? 1 : batchLength(lane.waiting, first.batch);
    await this.#run(lane.waiting.splice(0, taken).map(({ event }) => event));
  }

  async #run(events: readonly InboxEvent[]): Promise<void> {
    const { store, clock, log } = this.#options;
    const signal = this.#stopping.signal;
    const eventIds = events.map(({ eventId }) => eventId);
    let attempts = Math.max(...events.map((event) => event.attempts));
    let isCounted = events.every((event) => event.isCounted);
    try {
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
        if (attempts < ATTEMPTS_MAX) await clock.sleep(retryMs, signal);
        if (signal.aborted) return;
      }
      await this.#write(events, ({ id }) => store.markHandled(id));
    } finally {
      this.#pending -= events.length;
    }
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
        if (this.#stopping.signal.aborted) return false;
        await clock.sleep(waitMs, this.#stopping.signal);
      }
    }
  }

  #track(run: Promise<void>): void {
    this.#running.add(run);
    run.finally(() => this.#running.delete(run));
  }
}

function batchLength(waiting: readonly WaitingEvent[], batch: string): number {
  const end = waiting.findIndex((event) => event.batch !== batch);
  return Math.min(end === -1 ? waiting.length : end, BATCH_SIZE_MAX);
}
