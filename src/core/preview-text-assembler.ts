import type { ReplyProgress } from "./reply-feed.ts";

type TextProgress = Extract<ReplyProgress, { type: "text" }>;

/**
 * Puts an answer together from what came over the lossy feed. A gap makes it wait for the next
 * piece that starts at 0; a later attempt replaces an earlier one, never the other way round.
 */
export class PreviewTextAssembler {
  #attempt = 0;
  #text = "";

  /** The text so far; `null` when the piece did not help. */
  add({ attempt, offset, text }: TextProgress): string | null {
    if (attempt < this.#attempt) return null;
    if (attempt > this.#attempt) {
      this.#attempt = attempt;
      this.#text = "";
    }
    if (offset > this.#text.length) return null;
    const whole = this.#text.slice(0, offset) + text;
    // A snapshot that travels in several pieces is shorter for a moment.
    if (whole.length < this.#text.length && this.#text.startsWith(whole)) return null;
    this.#text = whole;
    return whole;
  }
}
