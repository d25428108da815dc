import type { Clock } from "../core/clock.ts";
import type { CompletionEvent, CompletionRequest, Upstream } from "../core/upstream/upstream.ts";
import { writeDemoAnswer } from "./demo-answer.ts";

/** About 30 words a second: quick to read along, slow enough to see it stream. */
const WORD_MS = 33;
// A Chinese character counts as a word, as any other run of text up to the next white space does.
const WORD_PATTERN = /\s*(?:\p{Script=Han}|[^\s\p{Script=Han}]+)/gu;
/** At least as many tokens as a word of the demo answer has on average. */
const TOKENS_PER_WORD = 2;

/**
 * Answers without any language model, so that a newcomer without a key sees the whole product at
 * work. Every answer says that it is a demo and how to connect a real model.
 */
export class DemoUpstream implements Upstream {
  readonly name = "demo";
  readonly models: ReadonlySet<string> = new Set(["demo"]);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async *complete(
    request: CompletionRequest,
    signal: AbortSignal,
  ): AsyncGenerator<CompletionEvent> {
    const question = request.turns.findLast((turn) => turn.role === "user")?.text ?? "";
    const words = writeDemoAnswer(question).match(WORD_PATTERN) ?? [];
    const wordsMax = Math.max(1, Math.floor(request.outputTokensMax / TOKENS_PER_WORD));
    if (signal.aborted) return;
    yield { type: "source", source: { upstream: this.name, modelAnswered: "demo" } };
    for (const word of words.slice(0, wordsMax)) {
      await this.#clock.sleep(WORD_MS, signal);
      if (signal.aborted) return;
      yield { type: "delta", text: word };
    }
    const finish = words.length > wordsMax ? "length" : "stop";
    yield { type: "done", usage: null, finish };
  }

  /** It needs no key. */
  async verify(): Promise<void> {}

  async readBalance(): Promise<string | null> {
    return null;
  }
}
