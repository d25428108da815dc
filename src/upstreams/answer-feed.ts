import type { CallClocks } from "./call-clocks.ts";
import type { OpenAiStream } from "./openai-stream.ts";

/** After the answer's end only the usage is missing, and not worth a long wait. */
const USAGE_WAIT_MS = 5_000;

/**
 * Reads a response into an `OpenAiStream` as fast as it comes, whether or not anybody takes the words.
 * So a connection that breaks takes no word with it that had arrived, and a slow reader is not
 * mistaken for a silent endpoint. An answer is short enough to be kept whole.
 */
export class AnswerFeed {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #stream: OpenAiStream;
  readonly #clocks: CallClocks;
  #isOver = false;
  #hasNews = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  /** Begins to read. */
  constructor(body: ReadableStream<Uint8Array>, stream: OpenAiStream, clocks: CallClocks) {
    this.#reader = body.getReader();
    this.#stream = stream;
    this.#clocks = clocks;
    void this.#read();
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

  /** Gives up what has not been read. */
  cancel(): void {
    this.#reader.cancel().catch(() => {});
  }

  /** Reads to the end, so that the connection can serve the next request; gives up after `ms`. */
  async drain(ms: number, giveUp: () => void): Promise<void> {
    const timer = setTimeout(giveUp, ms);
    try {
      while (!(await this.#reader.read()).done);
    } catch {
      // The answer is complete; how its connection ends is of no interest.
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(): Promise<void> {
    const stream = this.#stream;
    try {
      // Ends with the response, at the latest when a clock runs out and breaks it.
      while (!stream.isComplete && stream.fault === null) {
        const { done, value } = await this.#reader.read();
        if (done) {
          stream.end();
          break;
        }
        const wasFinished = stream.finish !== null;
        this.#clocks.tick();
        stream.push(value);
        if (!wasFinished && stream.finish !== null) this.#clocks.waitAtMost(USAGE_WAIT_MS);
        this.#tell();
      }
    } catch (error) {
      this.#error = error;
    }
    this.#clocks.stop();
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
