import type { CompletionEvent, TokenUsage } from "../core/upstream/upstream.ts";
import { ChunkTemplate } from "./chunk-template.ts";
import { SseReader } from "./sse-reader.ts";

/** Where chunks differ in more than their words, trying to learn from each would double the work. */
const LEARNINGS_MAX = 3;

type Finish = (CompletionEvent & { readonly type: "done" })["finish"];

/** The part of a chunk that we read: https://platform.openai.com/docs/api-reference/chat-streaming. */
interface Chunk {
  readonly model?: unknown;
  readonly choices?: readonly Choice[] | null;
  readonly usage?: Usage | null;
  readonly error?: unknown;
}

interface Choice {
  readonly delta?: { readonly content?: unknown; readonly refusal?: unknown } | null;
  readonly finish_reason?: unknown;
}

interface Usage {
  readonly prompt_tokens?: unknown;
  readonly completion_tokens?: unknown;
  readonly prompt_tokens_details?: { readonly cached_tokens?: unknown } | null;
}

/** What went wrong inside a stream that began well. */
export type StreamFault =
  /** Not what the protocol allows. */
  | { readonly kind: "garbage" }
  /** The provider says so: its error object. */
  | { readonly kind: "error"; readonly error: unknown };

/**
 * Reads a chat completion in OpenAI's wire format as its bytes arrive. After each `push` the text
 * that came with it waits in `takeText`; all deltas of one network read become one. Reasoning is
 * not shown to people and dropped, as is every field that we have no use for.
 */
export class OpenAiStream {
  readonly #sse: SseReader;
  #text = "";
  #hasSpoken = false;
  #model: string | null = null;
  #usage: TokenUsage | null = null;
  #finish: Finish | null = null;
  #isComplete = false;
  #fault: StreamFault | null = null;
  #template: ChunkTemplate | null = null;
  #learnings = 0;

  constructor() {
    this.#sse = new SseReader((data, event) => {
      if (this.#fault === null && !this.#isComplete) this.#read(data, event);
    });
  }

  /** The model that the provider says it used; `null` until it said so. */
  get model(): string | null {
    return this.#model;
  }

  get usage(): TokenUsage | null {
    return this.#usage;
  }

  /** `null` until the provider said why the answer ended, or that the stream is over. */
  get finish(): Finish | null {
    return this.#isComplete ? (this.#finish ?? "stop") : this.#finish;
  }

  /** A first word was there. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** "[DONE]" was seen: nothing more will come. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get fault(): StreamFault | null {
    return this.#fault;
  }

  push(bytes: Uint8Array): void {
    try {
      this.#sse.push(bytes);
    } catch {
      this.#fault ??= { kind: "garbage" };
    }
  }

  end(): void {
    this.#sse.end();
  }

  takeText(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  #read(data: string, event: string): void {
    const words = event === "" ? (this.#template?.wordsIn(data) ?? null) : null;
    if (words !== null) {
      this.#text += words;
      return;
    }
    if (data.startsWith("[DONE]")) {
      this.#isComplete = true;
      return;
    }
    const chunk = parseObject(data);
    if (chunk === null) {
      this.#fault = { kind: "garbage" };
    } else if (event === "error" || (chunk.error !== undefined && chunk.error !== null)) {
      this.#fault = { kind: "error", error: chunk.error ?? chunk };
    } else {
      this.#readChunk(chunk, data);
    }
  }

  #readChunk(chunk: Chunk, data: string): void {
    if (this.#model === null && typeof chunk.model === "string" && chunk.model !== "") {
      this.#model = chunk.model;
    }
    const hasUsage = typeof chunk.usage === "object" && chunk.usage !== null;
    if (hasUsage) this.#usage = readUsage(chunk.usage);
    const choice = chunk.choices?.[0];
    if (choice === undefined || choice === null) return;
    // A model that declines says so in a field of its own.
    const text = choice.delta?.content ?? choice.delta?.refusal;
    const hasText = typeof text === "string" && text !== "";
    if (hasText) {
      this.#text += text;
      this.#hasSpoken = true;
    }
    if (typeof choice.finish_reason === "string") this.#readFinish(choice.finish_reason);
    else if (hasText && !hasUsage) this.#learn(data);
  }

  #learn(data: string): void {
    if (this.#learnings === LEARNINGS_MAX) return;
    this.#learnings += 1;
    this.#template = ChunkTemplate.learn(data) ?? this.#template;
  }

  #readFinish(reason: string): void {
    // OpenRouter ends a stream so when the provider behind it failed in the middle:
    // https://openrouter.ai/docs/api/reference/errors-and-debugging.
    if (reason === "error") this.#fault = { kind: "error", error: null };
    else if (reason === "length") this.#finish = "length";
    else if (reason === "content_filter") this.#finish = "filtered";
    else if (reason !== "") this.#finish = "stop";
  }
}

function parseObject(data: string): Chunk | null {
  try {
    const value: unknown = JSON.parse(data);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Chunk) : null;
  } catch {
    return null;
  }
}

/**
 * Counts that are no whole numbers make the usage unknown: it is counted again by us. Negative ones
 * pass, for billing clamps and flags them.
 */
function readUsage(usage: Usage): TokenUsage | null {
  const inputTokens = usage.prompt_tokens;
  const outputTokens = usage.completion_tokens;
  if (!isWholeNumber(inputTokens) || !isWholeNumber(outputTokens)) return null;
  const cached = usage.prompt_tokens_details?.cached_tokens;
  return { inputTokens, cachedTokens: isWholeNumber(cached) ? cached : 0, outputTokens };
}

function isWholeNumber(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
