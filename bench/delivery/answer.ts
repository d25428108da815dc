import type { Clock } from "../../src/core/clock.ts";

const WORDS = ["the ", "answer ", "grows ", "word ", "by ", "word, ", "slowly.\n\n", "And ", "on."];

/** An answer that an upstream writes, and when each of its characters was there. */
export class Answer {
  text = "";
  startedAtMs = 0;
  endedAtMs = 0;
  /** When the first so many characters were written, white space not counted. */
  readonly #writtenAtMs: number[] = [];
  #squeezed = "";

  /** Writes for `durationMs`, at `tokensPerSecond` on average. */
  async write(
    clock: Clock,
    random: () => number,
    options: { readonly durationMs: number; readonly tokensPerSecond: number },
    onText: (textSoFar: string) => void,
  ): Promise<void> {
    this.startedAtMs = clock.now().getTime();
    const endMs = this.startedAtMs + options.durationMs;
    while (clock.now().getTime() < endMs) {
      this.add(WORDS[Math.floor(random() * WORDS.length)] ?? "", clock.now().getTime());
      onText(this.text);
      await clock.sleep(Math.round((0.5 + random()) * (1000 / options.tokensPerSecond)));
    }
    this.endedAtMs = clock.now().getTime();
  }

  add(token: string, atMs: number): void {
    this.text += token;
    const squeezed = squeeze(token);
    this.#squeezed += squeezed;
    for (let index = 0; index < squeezed.length; index += 1) this.#writtenAtMs.push(atMs);
  }

  /**
   * How much of it from its beginning can be read in these messages, one after the other; `null`
   * when something else stands there or something is missing in between. Text on its way from one
   * message to the next may be in both.
   */
  countShown(messages: readonly string[]): number | null {
    let shown = 0;
    for (const message of messages.map(squeeze)) {
      const from = this.#squeezed.lastIndexOf(message, shown);
      if (from === -1) return null;
      shown = Math.max(shown, from + message.length);
    }
    return shown;
  }

  isExactly(messages: readonly string[]): boolean {
    return squeeze(messages.join("")) === this.#squeezed;
  }

  /** For how long the first character that is not shown has been there. */
  lagMs(shownCount: number, nowMs: number): number {
    return nowMs - (this.#writtenAtMs[shownCount] ?? nowMs);
  }

  get length(): number {
    return this.#squeezed.length;
  }
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, "");
}
