import type { Clock } from "../clock.ts";
import type { Search, Seat } from "./seat-search.ts";
import type { CompletionEvent } from "./upstream.ts";
import type { HealthCall } from "./upstream-condition.ts";

/** A rough guess, where the upstream does not count: it only corrects limits, never money. */
const CHARACTERS_PER_TOKEN = 3;

/** One call through one key while it runs, and what has been seen of it. */
export class UpstreamRun {
  readonly seat: Seat;
  readonly search: Search;
  readonly call: HealthCall;
  isDone = false;
  isSettled = false;
  firstWordMs: number | null = null;
  readonly #clock: Clock;
  #textLength = 0;
  #usedTokens: number | null = null;

  constructor(seat: Seat, search: Search, clock: Clock) {
    this.seat = seat;
    this.search = search;
    this.#clock = clock;
    this.call = seat.member.health.begin(clock.now().getTime());
  }

  /** What the call took, as far as is known. */
  get tokens(): number {
    if (this.#usedTokens !== null) return this.#usedTokens;
    if (this.firstWordMs === null && !this.isDone) return 0;
    const { inputTokens } = this.search.request;
    return inputTokens + Math.ceil(this.#textLength / CHARACTERS_PER_TOKEN);
  }

  saw(event: CompletionEvent): void {
    if (event.type === "delta") {
      this.#textLength += event.text.length;
      this.firstWordMs ??= this.#clock.now().getTime() - this.call.startedAtMs;
    } else if (event.type === "done") {
      this.isDone = true;
      if (event.usage !== null) {
        this.#usedTokens = Math.max(0, event.usage.inputTokens + event.usage.outputTokens);
      }
    }
  }
}
