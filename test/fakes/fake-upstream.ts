import { OutsideError } from "../../src/core/errors.ts";
import type {
  CompletionEvent,
  CompletionRequest,
  TokenUsage,
  Upstream,
} from "../../src/core/upstream/upstream.ts";

/** How one call goes. Left out: a short answer that ends well. */
export interface FakeAnswer {
  readonly deltas?: readonly string[];
  readonly usage?: TokenUsage | null;
  readonly finish?: "stop" | "length" | "filtered";
  readonly modelAnswered?: string;
  /** Thrown once all deltas were given. */
  readonly error?: Error;
  /** Awaited before the first delta; the call hangs until then, or until it is aborted. */
  readonly before?: Promise<unknown>;
  /** Awaited after the last delta. */
  readonly after?: Promise<unknown>;
  /** Ends without "done", as no upstream should. */
  readonly endsEarly?: boolean;
}

/** One call that was made. */
export interface FakeCall {
  readonly request: CompletionRequest;
  isAborted: boolean;
}

/**
 * An upstream in memory that answers as it is told: `answers` one after the other, then `answer` for
 * every further call. `calls` is what it was asked, `inFlightMax` how much of it at once.
 */
export class FakeUpstream implements Upstream {
  readonly name: string;
  readonly models: ReadonlySet<string>;
  readonly calls: FakeCall[] = [];
  readonly answers: FakeAnswer[] = [];
  answer: FakeAnswer = {};
  inFlight = 0;
  inFlightMax = 0;
  /** What `verify` throws; `null` when the key works. */
  verifyError: Error | null = null;
  verifications = 0;
  balance: string | null = null;

  constructor(name: string, models: readonly string[] = ["m"]) {
    this.name = name;
    this.models = new Set(models);
  }

  async *complete(
    request: CompletionRequest,
    signal: AbortSignal,
  ): AsyncGenerator<CompletionEvent> {
    const call: FakeCall = { request, isAborted: false };
    this.calls.push(call);
    this.inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    const answer = this.answers.shift() ?? this.answer;
    let isOver = false;
    try {
      if (await isAbortedDuring(answer.before, signal)) return;
      const modelAnswered = answer.modelAnswered ?? request.model;
      const deltas = answer.deltas ?? ["Hello", " there"];
      if (deltas.length > 0 || answer.error === undefined) {
        yield { type: "source", source: { upstream: this.name, modelAnswered } };
      }
      for (const text of deltas) {
        if (signal.aborted) return;
        yield { type: "delta", text };
      }
      if (await isAbortedDuring(answer.after, signal)) return;
      isOver = true;
      if (answer.error !== undefined) throw answer.error;
      if (answer.endsEarly === true) return;
      const usage = answer.usage === undefined ? USAGE : answer.usage;
      yield { type: "done", usage, finish: answer.finish ?? "stop" };
    } finally {
      call.isAborted = !isOver;
      this.inFlight -= 1;
    }
  }

  async verify(): Promise<void> {
    this.verifications += 1;
    if (this.verifyError !== null) throw this.verifyError;
  }

  async readBalance(): Promise<string | null> {
    return this.balance;
  }
}

const USAGE: TokenUsage = { inputTokens: 10, cachedTokens: 0, outputTokens: 2 };

/** An answer that fails before its first word. */
export function failing(
  kind: OutsideError["kind"],
  options: { readonly retryAfterMs?: number } = {},
): FakeAnswer {
  return { deltas: [], error: new OutsideError("fake", kind, options) };
}

async function isAbortedDuring(
  wait: Promise<unknown> | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (wait === undefined || signal.aborted) return signal.aborted;
  let onAbort = () => {};
  const aborted = new Promise<void>((resolve) => {
    onAbort = resolve;
    signal.addEventListener("abort", onAbort, { once: true });
  });
  await Promise.race([wait, aborted]);
  signal.removeEventListener("abort", onAbort);
  return signal.aborted;
}
