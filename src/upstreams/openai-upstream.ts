import OpenAI, { BadRequestError, UnprocessableEntityError } from "openai";
import type { CompletionEvent, CompletionRequest, Upstream } from "../core/upstream/upstream.ts";
import { UpstreamError } from "../core/upstream/upstream-error.ts";
import type { BalanceSource, UpstreamTimeouts } from "../core/upstream/upstream-registry.ts";
import { AnswerFeed } from "./answer-feed.ts";
import { CallClocks } from "./call-clocks.ts";
import { faultOf, translateBody, translateError } from "./openai-errors.ts";
import { adaptDialect, createBody, type EndpointDialects } from "./openai-request.ts";
import { OpenAiStream, type StreamFault } from "./openai-stream.ts";
import { readBalance } from "./read-balance.ts";

/** How long the end of a finished response may take before its connection is given up. */
const DRAIN_MS = 1_000;
const VERIFY_TOKENS_MAX = 16;
const VERIFY_TIMEOUTS: UpstreamTimeouts = {
  firstByteMs: 20_000,
  betweenChunksMs: 20_000,
  wholeMs: 30_000,
};

export interface OpenAiUpstreamOptions {
  readonly name: string;
  readonly baseUrl: string;
  readonly key: string;
  /** From the names customers know to those of the endpoint. Not empty. */
  readonly models: ReadonlyMap<string, string>;
  readonly timeouts: UpstreamTimeouts;
  /** How to ask what is left on the key; `null` when the provider does not tell. */
  readonly balance: BalanceSource | null;
  /** The way to the endpoint, direct or through a proxy. */
  readonly fetch: typeof fetch;
  readonly dialects: EndpointDialects;
}

/** One key at an endpoint that speaks OpenAI's chat completions. */
export class OpenAiUpstream implements Upstream {
  readonly name: string;
  readonly models: ReadonlySet<string>;
  readonly #options: OpenAiUpstreamOptions;
  readonly #client: OpenAI;

  constructor(options: OpenAiUpstreamOptions) {
    this.name = options.name;
    this.models = new Set(options.models.keys());
    this.#options = options;
    this.#client = new OpenAI({
      apiKey: options.key,
      baseURL: options.baseUrl,
      fetch: options.fetch,
      // The pool decides about further tries, and our clocks run out first.
      maxRetries: 0,
      timeout: options.timeouts.wholeMs + 60_000,
      // What the package would take from the environment, and what it would write to the console.
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
      logLevel: "off",
    });
  }

  complete(request: CompletionRequest, signal: AbortSignal): AsyncIterable<CompletionEvent> {
    return this.#stream(request, signal, this.#options.timeouts);
  }

  /** Asks a question of one word: the only call that proves both the key and that it has money. */
  async verify(signal: AbortSignal): Promise<void> {
    const model = this.#options.models.keys().next().value ?? "";
    const request: CompletionRequest = {
      model,
      turns: [{ role: "user", text: "Hi", images: [] }],
      inputTokens: 8,
      outputTokensMax: VERIFY_TOKENS_MAX,
      stickyKey: "",
    };
    try {
      for await (const event of this.#stream(request, signal, VERIFY_TIMEOUTS)) {
        if (event.type === "done") return;
      }
    } catch (error) {
      // Whoever judges the question has let the key pass: some models refuse so short an answer.
      if (error instanceof UpstreamError && error.kind === "rejected") return;
      throw error;
    }
    throw new UpstreamError(this.name, "timeout", { code: "aborted" });
  }

  async readBalance(signal: AbortSignal): Promise<string | null> {
    const { balance, baseUrl, key, fetch } = this.#options;
    if (balance === null) return null;
    try {
      return await readBalance(balance, { upstream: this.name, baseUrl, key, fetch }, signal);
    } catch (error) {
      throw translateError(this.name, error);
    }
  }

  async *#stream(
    request: CompletionRequest,
    signal: AbortSignal,
    timeouts: UpstreamTimeouts,
  ): AsyncGenerator<CompletionEvent> {
    if (signal.aborted) return;
    const aborter = new AbortController();
    let feed: AnswerFeed | null = null;
    const abort = () => {
      aborter.abort();
      // Between our signal and the body the openai package keeps weak references only.
      feed?.cancel();
    };
    signal.addEventListener("abort", abort, { once: true });
    const clocks = new CallClocks(timeouts, abort);
    const stream = new OpenAiStream();
    let hasSpoken = false;
    let isDone = false;
    try {
      feed = new AnswerFeed(await this.#open(request, aborter.signal), stream, clocks);
      while (!isDone) {
        await feed.next();
        if (signal.aborted) return;
        const text = stream.takeText();
        if (text !== "") {
          if (!hasSpoken) yield this.#source(stream, request);
          hasSpoken = true;
          yield { type: "delta", text };
          continue;
        }
        if (!feed.isOver) continue;
        const { finish, usage } = stream;
        if (stream.fault !== null) throw this.#faultError(stream.fault);
        if (finish === null) throw feed.error ?? this.#endedEarly();
        isDone = true;
        if (!hasSpoken) yield this.#source(stream, request);
        yield { type: "done", usage, finish };
      }
    } catch (error) {
      if (signal.aborted) return;
      throw this.#translate(error, clocks, hasSpoken);
    } finally {
      clocks.stop();
      signal.removeEventListener("abort", abort);
      if (isDone && feed !== null) void feed.drain(DRAIN_MS, abort);
      else abort();
    }
  }

  /** Sends the request, in the dialect that the endpoint turns out to understand. */
  async #open(
    request: CompletionRequest,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const model = this.#options.models.get(request.model) ?? request.model;
    let dialect = this.#options.dialects.of(model);
    for (;;) {
      try {
        const body = createBody(request, model, dialect);
        const response = await this.#client.chat.completions.create(body, { signal }).asResponse();
        this.#options.dialects.learn(model, dialect);
        return await this.#bodyOf(response);
      } catch (error) {
        const isRefusal =
          error instanceof BadRequestError || error instanceof UnprocessableEntityError;
        const next = isRefusal ? adaptDialect(dialect, faultOf(error)) : null;
        if (next === null) throw error;
        // Each turn drops one parameter, so that this ends.
        dialect = next;
      }
    }
  }

  async #bodyOf(response: Response): Promise<ReadableStream<Uint8Array>> {
    const type = response.headers.get("content-type") ?? "";
    if (response.body !== null && !type.includes("json")) return response.body;
    // Some gateways answer 200 with an error object instead of a stream.
    const body: unknown = await response.json().catch(() => null);
    const error = typeof body === "object" && body !== null && "error" in body ? body.error : body;
    throw translateBody(this.name, error, response.status);
  }

  #source(stream: OpenAiStream, request: CompletionRequest): CompletionEvent {
    const modelAsked = this.#options.models.get(request.model) ?? request.model;
    const modelAnswered = stream.model ?? modelAsked;
    return { type: "source", source: { upstream: this.name, modelAnswered } };
  }

  #faultError(fault: StreamFault): UpstreamError {
    return fault.kind === "error"
      ? translateBody(this.name, fault.error, null)
      : new UpstreamError(this.name, "unreachable", { code: "garbage" });
  }

  /** The response ended as if in order, but the answer is not finished. */
  #endedEarly(): UpstreamError {
    return new UpstreamError(this.name, "unreachable", { code: "ended_early" });
  }

  #translate(error: unknown, clocks: CallClocks, hasSpoken: boolean): UpstreamError {
    const expired = clocks.expired;
    const translated =
      expired === null
        ? translateError(this.name, error)
        : new UpstreamError(this.name, "timeout", { code: expired });
    if (!hasSpoken) return translated;
    const { code, status, requestId } = translated;
    return new UpstreamError(this.name, "cut", { code, status: status ?? undefined, requestId });
  }
}
