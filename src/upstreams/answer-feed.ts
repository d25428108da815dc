import { Buffer } from "node:buffer";
import type { CallClocks } from "./call-clocks.ts";
import type { OpenAiStream } from "./openai-stream.ts";
import type { SharedTicker, Ticking } from "./shared-ticker.ts";
import type { StreamReceiver } from "./streamed-call.ts";

/** After the answer's end only the usage is missing, and not worth a long wait. */
const USAGE_WAIT_MS = 5_000;
/** So much is not gathered: it is a burst, and each read brings many chunks anyway. */
const GATHER_BYTES_MAX = 16_384;

/**
 * Takes a response into an `OpenAiStream` as fast as it comes, whether or not anybody takes the words.
 * So a connection that breaks takes no word with it that had arrived, and a slow reader is not
 * mistaken for a silent endpoint. An answer is short enough to be kept whole.
 *
 * The first word is passed on at once. What comes behind it is gathered until the next tick, and then
 * decoded, parsed and passed on in one go: for each token by itself that costs twice as much.
 */
export class AnswerFeed implements StreamReceiver, Ticking {
  readonly #stream: OpenAiStream;
  readonly #clocks: CallClocks;
  readonly #ticker: SharedTicker;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #isOver = false;
  #hasNews = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  constructor(stream: OpenAiStream, clocks: CallClocks, ticker: SharedTicker) {
    this.#stream = stream;
    this.#clocks = clocks;
    this.#ticker = ticker;
  }

  /** Nothing more will come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Why nothing more will come; `null` when the response ended in order. */
  get error(): unknown {
    return this.#error;
  }

  /** Resolves when something has come since the last time. One caller at a time. */
  next(): Promise<void> | void {
    if (this.#hasNews || this.#isOver) {
      this.#hasNews = false;
      return;
    }
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  push(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#clocks.tick();
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    const isSoon = !this.#stream.hasSpoken || this.#gatheredBytes > GATHER_BYTES_MAX;
    if (isSoon) this.onTick();
    else if (this.#gathered.length === 1) this.#ticker.wait(this);
  }

  /** Reads what has been gathered. */
  onTick(): void {
    if (this.#isOver) return;
    this.#readGathered();
    if (this.#stream.isComplete || this.#stream.fault !== null) this.#close(null);
    else this.#tell();
  }

  end(error: unknown): void {
    if (this.#isOver) return;
    this.#readGathered();
    if (error === null) this.#stream.end();
    this.#close(error);
  }

  #readGathered(): void {
    const [first] = this.#gathered;
    if (first === undefined) return;
    const bytes = this.#gathered.length === 1 ? first : Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    const wasFinished = this.#stream.finish !== null;
    this.#stream.push(bytes);
    if (!wasFinished && this.#stream.finish !== null) this.#clocks.waitAtMost(USAGE_WAIT_MS);
  }

  #close(error: unknown): void {
    this.#error = error;
    this.#clocks.stop();
    this.#ticker.forget(this);
    this.#isOver = true;
    this.#tell();
  }

  #tell(): void {
    const wake = this.#wake;
    this.#wake = null;
    if (wake === null) this.#hasNews = true;
    else wake();
  }
}
