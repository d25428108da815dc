import type {
  CompletionEvent,
  CompletionRequest,
  Upstream,
} from "../../src/core/upstream/upstream.ts";
import { DEFAULT_TIMEOUTS } from "../../src/core/upstream/upstream-registry.ts";
import { EndpointDialects } from "../../src/upstreams/openai-request.ts";
import { OpenAiUpstream, type OpenAiUpstreamOptions } from "../../src/upstreams/openai-upstream.ts";
import { createProxyFetch } from "../../src/upstreams/proxy-fetch.ts";
import { SharedTicker } from "../../src/upstreams/shared-ticker.ts";
import type { OpenAiServer } from "./openai-server.ts";

/** An upstream of the product that speaks to an `OpenAiServer`, with the connections it opened. */
export interface TestOpenAiUpstream extends AsyncDisposable {
  readonly upstream: OpenAiUpstream;
}

export function connectUpstream(
  server: OpenAiServer,
  options: Partial<OpenAiUpstreamOptions> & { readonly proxy?: string } = {},
): TestOpenAiUpstream {
  const way = createProxyFetch(options.proxy ?? null);
  const upstream = new OpenAiUpstream({
    name: "main",
    baseUrl: server.url,
    key: "sk-test",
    models: new Map([["small", "gpt-test"]]),
    timeouts: DEFAULT_TIMEOUTS,
    balance: null,
    way,
    dialects: new EndpointDialects(),
    ticker: new SharedTicker(20),
    ...options,
  });
  return { upstream, [Symbol.asyncDispose]: () => way.close() };
}

/** What came of an answer: its text, its other events, and how it failed. */
export interface ReadAnswer {
  text: string;
  readonly events: CompletionEvent[];
  error: unknown;
}

/** Reads an answer to its end, or until it fails. */
export async function readAnswer(
  upstream: Upstream,
  request: Partial<CompletionRequest> = {},
  signal = new AbortController().signal,
): Promise<ReadAnswer> {
  const answer: ReadAnswer = { text: "", events: [], error: null };
  try {
    for await (const event of upstream.complete(ask(request), signal)) {
      if (event.type === "delta") answer.text += event.text;
      else answer.events.push(event);
    }
  } catch (error) {
    answer.error = error;
  }
  return answer;
}

export function ask(request: Partial<CompletionRequest> = {}): CompletionRequest {
  return {
    model: "small",
    turns: [{ role: "user", text: "What is a zebra?", images: [] }],
    inputTokens: 5,
    outputTokensMax: 100,
    stickyKey: "person",
    ...request,
  };
}
