/** Sends for one message of the person, and for how long. */
const SENDS_MAX = 10;
const WINDOW_MS = 24 * 60 * 60_000;
const BURST_MAX = 2;
const BURST_MS = 1_000;
/** Whoever goes on while throttled waits longer. */
const THROTTLED_MS = 60_000;

/** What a person's phone shows. */
export interface ShownMessage {
  readonly id: string;
  readonly text: string;
  /** A file with its content; `null` for a text. */
  readonly file: { readonly name: string; readonly content: Buffer } | null;
  readonly atMs: number;
}

/** One WeChat user: what they wrote, what they see, and how much a bot may still send them. */
export class IlinkPerson {
  readonly id: string;
  readonly botId: string;
  readonly screen: ShownMessage[] = [];
  readonly clientIds = new Set<string>();
  contextToken: string | null = null;
  /** How often a bot of theirs was said to be typing. */
  typing = 0;
  #sent = 0;
  #wroteAtMs = Number.NEGATIVE_INFINITY;
  #sentAtMs: number[] = [];
  #throttledUntilMs = Number.NEGATIVE_INFINITY;

  constructor(id: string) {
    this.id = id;
    this.botId = `${id.split("@")[0]}-bot@im.bot`;
  }

  /** The texts on the screen. */
  get texts(): string[] {
    return this.screen.map(({ text }) => text);
  }

  wrote(atMs: number, contextToken: string): void {
    this.contextToken = contextToken;
    this.#sent = 0;
    this.#wroteAtMs = atMs;
    this.#throttledUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** Counts one send; `false` when it is refused. */
  maySend(atMs: number): boolean {
    this.#sentAtMs = this.#sentAtMs.filter((timeMs) => timeMs > atMs - BURST_MS);
    this.#sentAtMs.push(atMs);
    const isBurst = this.#sentAtMs.length > BURST_MAX;
    const isOver = this.#sent >= SENDS_MAX || atMs >= this.#wroteAtMs + WINDOW_MS;
    if (isBurst || isOver || atMs < this.#throttledUntilMs) {
      this.#throttledUntilMs = atMs + THROTTLED_MS;
      return false;
    }
    this.#sent += 1;
    return true;
  }
}
