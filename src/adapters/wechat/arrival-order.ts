import type { Clock } from "../../core/clock.ts";

/** A message that cannot be looked up is never heard of again; the next ones wait no longer. */
const LOOKUP_MS = 15_000;

interface Arrival {
  readonly id: string;
  isReady: boolean;
  /** It had its turn, or never will. */
  readonly over: PromiseWithResolvers<void>;
}

/**
 * Lets messages go on in the order in which the puppet named them: wechaty looks each one up by
 * itself, so that a later one is often ready first.
 */
export class ArrivalOrder {
  readonly #clock: Clock;
  #arrivals: Arrival[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The puppet named a message. */
  note(id: string): void {
    const arrival = { id, isReady: false, over: Promise.withResolvers<void>() };
    this.#arrivals.push(arrival);
    const waiting = new AbortController();
    void arrival.over.promise.then(() => waiting.abort());
    void this.#clock.sleep(LOOKUP_MS, waiting.signal).then(() => this.#end(arrival));
  }

  /** Resolves once those named before it have gone on; what follows is to be done at once. */
  async turn(id: string): Promise<void> {
    const index = this.#arrivals.findIndex((one) => one.id === id && !one.isReady);
    const arrival = this.#arrivals[index];
    if (arrival === undefined) return;
    arrival.isReady = true;
    await Promise.all(this.#arrivals.slice(0, index).map(({ over }) => over.promise));
    this.#end(arrival);
  }

  #end(arrival: Arrival): void {
    this.#arrivals = this.#arrivals.filter((other) => other !== arrival);
    arrival.over.resolve();
  }
}
