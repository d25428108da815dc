import type {
  CompletionEvent,
  CompletionPool,
  CompletionRequest,
} from "../../../src/core/upstream/upstream.ts";

/** Text is written, a promise is waited for, an error is thrown. */
export type Step = string | Promise<unknown> | Error;

const DELTA_LENGTH = 200;
const USAGE = { inputTokens: 10, cachedTokens: 0, outputTokens: 10 };

/** One question the model was asked. */
export interface ModelCall {
  readonly question: string;
  isAborted: boolean;
}

/** A model that answers each question as it was told, in many small pieces. */
export class ScriptedModel implements CompletionPool {
  readonly calls: ModelCall[] = [];
  readonly #scripts = new Map<string, readonly Step[]>();

  /** The answer to exactly this question; to all others it answers "Answer to …". */
  answers(question: string, steps: readonly Step[]): void {
    this.#scripts.set(question, steps);
  }

  /** The questions in the order they were asked. */
  get questions(): string[] {
    return this.calls.map(({ question }) => question);
  }

  async *complete(
    request: CompletionRequest,
    signal: AbortSignal,
  ): AsyncGenerator<CompletionEvent> {
    const question = request.turns.at(-1)?.text ?? "";
    const call: ModelCall = { question, isAborted: false };
    this.calls.push(call);
    const source = { upstream: "script", modelAnswered: request.model };
    yield { type: "source", source };
    for (const step of this.#scripts.get(question) ?? [`Answer to ${question}`]) {
      if (step instanceof Error) throw step;
      if (step instanceof Promise) await Promise.race([step, aborted(signal)]);
      for (const text of typeof step === "string" ? pieces(step) : []) {
        if (signal.aborted) break;
        yield { type: "delta", text };
        await new Promise((resolve) => setImmediate(resolve));
      }
      call.isAborted = signal.aborted;
      if (signal.aborted) return;
    }
    yield { type: "done", usage: USAGE, finish: "stop" };
  }
}

function pieces(text: string): string[] {
  const characters = [...text];
  const count = Math.ceil(characters.length / DELTA_LENGTH);
  return Array.from({ length: count }, (_, index) =>
    characters.slice(index * DELTA_LENGTH, (index + 1) * DELTA_LENGTH).join(""),
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
