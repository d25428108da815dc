import { Agent } from "undici";
import { MemoryUpstreamLimiter } from "../../src/core/upstream/memory-upstream-limiter.ts";
import { UNLIMITED } from "../../src/core/upstream/upstream-limiter.ts";
import { UpstreamPool } from "../../src/core/upstream/upstream-pool.ts";
import { DEFAULT_TIMEOUTS } from "../../src/core/upstream/upstream-registry.ts";
import { systemClock } from "../../src/system-clock.ts";
import { loadO200kCounter } from "../../src/upstreams/o200k-ranks.ts";
import { createOpenAiUpstreams } from "../../src/upstreams/openai-upstreams.ts";
import { MemoryUpstreamStateStore } from "../../test/fakes/memory-upstream-state-store.ts";
import { RecordedLog } from "../../test/fakes/recorded-log.ts";

const QUESTION = "How does an answer grow?";

/** Reads one answer to its end. */
export type Reader = (model: string) => Promise<ReadAnswer>;

export interface ReadAnswer {
  /** `null` where the reader does not look into what it reads. */
  readonly text: string | null;
  readonly hasUsage: boolean;
}

export type ReaderName = keyof typeof CREATORS;

const CREATORS = { dianka: createDianka, openai: createOpenai, bytes: createBytes };

/** Makes a reader for the endpoint; `models` are all that it will be asked for. */
export function createReader(
  name: ReaderName,
  baseUrl: string,
  models: readonly string[],
): Promise<Reader> {
  return CREATORS[name](baseUrl, models);
}

/** The way of an answer through the product: pool, upstream, and the token count beside it. */
async function createDianka(baseUrl: string, models: readonly string[]): Promise<Reader> {
  const counter = await loadO200kCounter();
  const { upstreams, limits } = createOpenAiUpstreams([
    {
      name: "bench",
      baseUrl,
      keys: ["sk-bench"],
      models: Object.fromEntries(models.map((model) => [model, model])),
      weight: 1,
      priority: 0,
      proxy: null,
      limits: UNLIMITED,
      timeouts: DEFAULT_TIMEOUTS,
      balance: null,
    },
  ]);
  const pool = new UpstreamPool(upstreams, {
    limiter: new MemoryUpstreamLimiter(limits, systemClock),
    states: new MemoryUpstreamStateStore(),
    clock: systemClock,
    log: new RecordedLog(),
    onKeyDead: async () => {},
    random: Math.random,
  });
  let asked = 0;
  return async (model) => {
    asked += 1;
    const request = {
      model,
      turns: [{ role: "user", text: QUESTION, images: [] }],
      inputTokens: 6,
      outputTokensMax: 100_000,
      stickyKey: `person ${asked % 1000}`,
    } as const;
    const running = counter.startCount();
    let text = "";
    let hasUsage = false;
    for await (const event of pool.complete(request, new AbortController().signal)) {
      if (event.type === "delta") {
        text += event.text;
        running.add(event.text);
      } else if (event.type === "done") hasUsage = event.usage !== null;
    }
    if (running.total !== counter.count(text)) throw new Error("counted wrong");
    return { text, hasUsage };
  };
}

/** What the `openai` package gives whoever iterates over its stream; nothing is counted. */
async function createOpenai(baseUrl: string): Promise<Reader> {
  const { default: OpenAI } = await import("openai");
  const client = new OpenAI({ apiKey: "sk-bench", baseURL: baseUrl, maxRetries: 0 });
  return async (model) => {
    const stream = await client.chat.completions.create({
      model,
      messages: [{ role: "user", content: QUESTION }],
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let hasUsage = false;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      hasUsage ||= typeof chunk.usage === "object" && chunk.usage !== null;
    }
    return { text, hasUsage };
  };
}

/** The floor: undici's own callbacks, and nobody looks at the bytes. */
async function createBytes(baseUrl: string): Promise<Reader> {
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, allowH2: false });
  const { origin, pathname } = new URL(`${baseUrl}/chat/completions`);
  return (model) =>
    new Promise((resolve, reject) => {
      agent.dispatch(
        { origin, path: pathname, method: "POST", body: JSON.stringify({ model }) },
        {
          onResponseData: () => {},
          onResponseEnd: () => resolve({ text: null, hasUsage: true }),
          onResponseError: (_, error) => reject(error),
          onRequestStart: () => {},
          onResponseStart: () => {},
        },
      );
    });
}
