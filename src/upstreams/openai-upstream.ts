import type { CompletionEvent, CompletionRequest, Upstream } from "../core/upstream/upstream.ts";
import { UpstreamError } from "../core/upstream/upstream-error.ts";
import type { BalanceSource, UpstreamTimeouts } from "../core/upstream/upstream-registry.ts";
import { AnswerFeed } from "./answer-feed.ts";
import { CallClocks } from "./call-clocks.ts";
import { faultOf, translateBody, translateError, translateRefusal } from "./openai-errors.ts";
import { adaptDialect, createBody, type EndpointDialects } from "./openai-request.ts";
import { OpenAiStream, type StreamFault } from "./openai-stream.ts";
import type { ProxyFetch } from "./proxy-fetch.ts";
import { readBalance } from "./read-balance.ts";
import type { SharedTicker } from "./shared-ticker.ts";
import { StreamedCall } from "./streamed-call.ts";

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
  readonly way: Pick<ProxyFetch, "fetch" | "dispatcher">;
  readonly dialects: EndpointDialects;
  /** When gathered words are read. */
  readonly ticker: SharedTicker;
}

/** One key at an endpoint that speaks OpenAI's chat completions. */
export class OpenAiUpstream implements Upstream {
  readonly name: string;
  readonly models: ReadonlySet<string>;
  readonly #options: OpenAiUpstreamOptions;
  readonly #url: URL;

  /** Throws when the base URL is none. */
  constructor(options: OpenAiUpstreamOptions) {
    this.name = options.name;
    this.models = new Set(options.models.keys());
    this.#options = options;
    this.#url = new URL(options.baseUrl);
    this.#url.pathname = `${this.#url.pathname.replace(/\/+$/, "")}/chat/completions`;
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
    const { balance, baseUrl, key, way } = this.#options;
    if (balance === null) return null;
    const { fetch } = way;
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
    let call = null as StreamedCall | null;
    let isCut = false;
    const cut = () => {
      isCut = true;
      call?.cancel();
    };
    signal.addEventListener("abort", cut, { once: true });
    const clocks = new CallClocks(timeouts, cut);
    const stream = new OpenAiStream();
    const feed = new AnswerFeed(stream, clocks, this.#options.ticker);
    let hasSpoken = false;
    let isDone = false;
    try {
      await this.#open(request, (body) => {
        call = this.#send(body, feed);
        if (isCut) call.cancel();
        return call;
      });
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
      signal.removeEventListener("abort", cut);
      if (isDone) call?.drain(DRAIN_MS);
      else cut();
    }
  }

  /** Sends the request, in the dialect that the endpoint turns out to understand. */
  async #open(request: CompletionRequest, send: (body: object) => StreamedCall): Promise<void> {
    const { models, dialects } = this.#options;
    const model = models.get(request.model) ?? request.model;
    let dialect = dialects.of(model);
    for (;;) {
      const refusal = await send(createBody(request, model, dialect)).opened;
      if (refusal === null) return dialects.learn(model, dialect);
      const isDialect = refusal.status === 400 || refusal.status === 422;
      const next = isDialect ? adaptDialect(dialect, faultOf(refusal)) : null;
      if (next === null) throw translateRefusal(this.name, refusal);
      // Each turn drops one parameter, so that this ends.
      dialect = next;
    }
  }

  #send(body: object, feed: AnswerFeed): StreamedCall {
    const { way, key } = this.#options;
    const headers = {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      accept: "text/event-stream, application/json",
      "user-agent": "dianka",
    };
    const request = { url: this.#url, headers, body: JSON.stringify(body) };
    return new StreamedCall(way.dispatcher, request, feed);
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
