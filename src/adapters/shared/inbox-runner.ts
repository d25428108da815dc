import type { InboxEvent } from "../../core/chat/inbox.ts";
import { EventHandling, type EventHandlingOptions } from "./event-handling.ts";
import type { Overtakes } from "./overtakes.ts";

/** Lanes that are worked on at the same time. What overtakes is not counted. */
const LANES_MAX = 64;
/** Events in memory above which a platform should wait before it fetches more. */
const PENDING_MAX = 2_000;
/** How long the rest of a batch may take to arrive. */
const BATCH_WAIT_MS = 1_000;
const BATCH_SIZE_MAX = 20;
const ROOM_CHECK_MS = 50;

/** Where an event belongs. */
export interface EventRoute {
  /** Events of one lane, a chat mostly, are handled one after the other. */
  readonly lane: string;
  /** Who it comes from: commands wait for those of the same person only. */
  readonly person: string;
  readonly overtakes: Overtakes;
  /** Neighbours in a lane with the same batch are handled together; `null`: it stands alone. */
  readonly batch: string | null;
}

/** What the runner needs to know of a platform. */
export interface InboxRunnerOptions extends EventHandlingOptions {
  readonly platform: string;
  readonly bot: string;
  /** Never throws: what it does not understand goes to some lane and fails there. */
  route(payload: unknown): EventRoute;
}

interface WaitingEvent {
  readonly event: InboxEvent;
  readonly batch: string | null;
  /** What overtook in the same lane, and came before: "/new" counts for the question after it. */
  readonly after: readonly Promise<void>[];
}

interface Lane {
  readonly name: string;
  readonly waiting: WaitingEvent[];
  /** What overtook and is not handled yet, and whose it is. */
  readonly overtaking: Map<Promise<void>, string>;
  isBusy: boolean;
}

/**
 * Handles the saved events of one connection: in order within a lane, lanes in parallel,
 * commands without waiting for questions. What is not finished when it stops is found again at the
 * next start.
 */
export class InboxRunner {
  readonly #options: InboxRunnerOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #ready: Lane[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #handling: EventHandling;
  #busyLanes = 0;
  #pending = 0;

  constructor(options: InboxRunnerOptions) {
    this.#options = options;
    this.#handling = new EventHandling(options, this.#stopping.signal);
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
      const { lane: name, person, overtakes, batch } = this.#options.route(event.payload);
      const lane = this.#lane(name);
      this.#pending += 1;
      if (overtakes === "nothing") {
        lane.waiting.push({ event, batch, after: [...lane.overtaking.keys()] });
        if (!lane.isBusy && lane.waiting.length === 1) this.#ready.push(lane);
      } else {
        const waitsFor = overtakes === "questions" ? commandsOf(person, lane) : [];
        const run = this.#runAfter(waitsFor, event).finally(() => {
          lane.overtaking.delete(run);
          this.#forgetIdle(lane);
        });
        lane.overtaking.set(run, person);
        this.#track(run);
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
    const lane: Lane = { name, waiting: [], overtaking: new Map(), isBusy: false };
    this.#lanes.set(name, lane);
    return lane;
  }

  async #runAfter(after: readonly Promise<void>[], event: InboxEvent): Promise<void> {
    if (after.length > 0) await Promise.all(after);
    if (!this.#stopping.signal.aborted) await this.#run([event]);
  }

  #forgetIdle(lane: Lane): void {
    const isIdle = !lane.isBusy && lane.waiting.length === 0 && lane.overtaking.size === 0;
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
    await this.#handling.run(events);
    this.#pending -= events.length;
  }

  #track(run: Promise<void>): void {
    this.#running.add(run);
    run.finally(() => this.#running.delete(run));
  }
}

function commandsOf(person: string, { overtaking }: Lane): Promise<void>[] {
  return [...overtaking].filter(([, whose]) => whose === person).map(([run]) => run);
}

function batchLength(waiting: readonly WaitingEvent[], batch: string): number {
  const end = waiting.findIndex((event) => event.batch !== batch);
  return Math.min(end === -1 ? waiting.length : end, BATCH_SIZE_MAX);
}
