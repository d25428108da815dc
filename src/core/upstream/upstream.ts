export interface ChatTurn {
  readonly role: "system" | "user" | "assistant";
  readonly text: string;
  readonly images: readonly TurnImage[];
}

export interface TurnImage {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

export interface CompletionRequest {
  /** The model's name as customers know it; the upstream maps it to its own. */
  readonly model: string;
  readonly turns: readonly ChatTurn[];
  /** Our own count of the prompt, for limits of tokens a minute. */
  readonly inputTokens: number;
  readonly outputTokensMax: number;
  /** Requests with the same key prefer the same upstream, whose cache then knows the context. */
  readonly stickyKey: string;
}

export interface TokenUsage {
  readonly inputTokens: number;
  /** Part of `inputTokens` that the upstream read from its cache. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

/** Where the words come from: known before the first delta. */
export interface CompletionSource {
  readonly upstream: string;
  /** The model the upstream says it used. */
  readonly modelAnswered: string;
}

export type CompletionEvent =
  | { readonly type: "source"; readonly source: CompletionSource }
  | { readonly type: "delta"; readonly text: string }
  /** The stream ended properly. `usage` is null when the upstream did not send one. */
  | {
      readonly type: "done";
      readonly usage: TokenUsage | null;
      /** "length": the answer reached `outputTokensMax`. */
      readonly finish: "stop" | "length" | "filtered";
    };

/**
 * One key at one LLM provider. Throws `OutsideError` and nothing else; "cut" when the stream broke
 * after its first word. Ends at once when the signal aborts, closing the connection.
 */
export interface Upstream {
  readonly name: string;
  /** Names of the models it serves, as customers know them. */
  readonly models: ReadonlySet<string>;
  complete(request: CompletionRequest, signal: AbortSignal): AsyncIterable<CompletionEvent>;
  /** A cheap call that proves the key works. Throws `OutsideError` when it does not. */
  verify(signal: AbortSignal): Promise<void>;
  /** What is left on the key in the provider's currency, as text; `null` where it is not told. */
  readBalance(signal: AbortSignal): Promise<string | null>;
}

/** What generating an answer needs of all upstreams together. */
export interface CompletionPool {
  /**
   * Streams from the best upstream and moves on to the next one while there is no first word.
   * Throws `UserError("model_not_available")` or the last `OutsideError`.
   */
  complete(request: CompletionRequest, signal: AbortSignal): AsyncIterable<CompletionEvent>;
}
