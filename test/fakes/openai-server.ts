import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { AnswerStream, usageOf } from "./openai-answer-stream.ts";
import { type Behaviour, parseBehaviour, type StatusFault, tokensOf } from "./openai-behaviour.ts";
import { type ChatBody, checkRequest } from "./openai-request-check.ts";

/** One ticker for all streams: a timer for each would make the server the bottleneck. */
const TICK_MS = 10;
const REQUESTS_KEPT_MAX = 1_000;

export interface OpenAiServerOptions {
  readonly port?: number;
  /** Keys that it lets in; "sk-test" when left out. */
  readonly keys?: readonly string[];
  /** Models that it knows, beside all that begin with "fake". */
  readonly models?: readonly string[];
  readonly behaviour?: Behaviour;
}

/** What one key was used for. */
export interface KeyCounters {
  requests: number;
  /** Answers with another status than 200. */
  failed: number;
  /** Tokens written to the client. */
  tokens: number;
  /** Streams written to their end. */
  finished: number;
  /** Streams that the client left. */
  aborted: number;
  inFlight: number;
  inFlightMax: number;
}

/** A question that passed the key check, as it came in. */
export interface ReceivedRequest {
  readonly key: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: ChatBody;
}

/**
 * An OpenAI-compatible endpoint on loopback that judges requests as strictly as the real one and
 * answers as it is told: by `behaviour`, by `behaviours` of a key, or by the name of the model (see
 * `parseBehaviour`), the later the stronger. It counts what it did for each key.
 */
export class OpenAiServer implements AsyncDisposable {
  /** May change while it runs. */
  readonly keys: Set<string>;
  readonly requests: ReceivedRequest[] = [];
  readonly counters = new Map<string, KeyCounters>();
  readonly behaviours = new Map<string, Behaviour>();
  behaviour: Behaviour;
  /** Answers to GET, by path under the origin, with the status first. */
  readonly pages = new Map<string, readonly [number, object]>();
  readonly #models: ReadonlySet<string>;
  readonly #server: Server;
  readonly #streams = new Set<AnswerStream>();
  #ticker: NodeJS.Timeout | null = null;
  #origin = "";
  #randomState = 1;

  private constructor(options: OpenAiServerOptions) {
    this.keys = new Set(options.keys ?? ["sk-test"]);
    this.#models = new Set(options.models ?? ["gpt-test"]);
    this.behaviour = options.behaviour ?? {};
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
  }

  static async start(options: OpenAiServerOptions = {}): Promise<OpenAiServer> {
    const server = new OpenAiServer(options);
    server.#server.listen(options.port ?? 0, "127.0.0.1");
    await once(server.#server, "listening");
    const address = server.#server.address();
    if (address === null || typeof address === "string") throw new Error("No port");
    server.#origin = `http://127.0.0.1:${address.port}`;
    return server;
  }

  /** What goes into `baseUrl`. */
  get url(): string {
    return `${this.#origin}/v1`;
  }

  get connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  }

  countersOf(key: string): KeyCounters {
    const known = this.counters.get(key);
    if (known !== undefined) return known;
    const fresh = {
      requests: 0,
      failed: 0,
      tokens: 0,
      finished: 0,
      aborted: 0,
      inFlight: 0,
      inFlightMax: 0,
    };
    this.counters.set(key, fresh);
    return fresh;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", this.#origin);
    if (pathname.startsWith("/__")) return this.#control(pathname, request, response);
    const key = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    if (request.method === "POST" && pathname === "/v1/chat/completions") {
      return this.#complete(key, request, response);
    }
    if (!this.keys.has(key)) return sendFault(response, wrongKey(key));
    const page = this.pages.get(pathname);
    if (request.method === "GET" && page !== undefined) return sendJson(response, ...page);
    if (request.method === "GET" && pathname === "/v1/models") {
      const data = [...this.#models].map((id) => ({ id, object: "model" }));
      return sendJson(response, 200, { object: "list", data });
    }
    sendFault(response, { type: "status", status: 404, message: `Unknown URL: ${pathname}` });
  }

  async #complete(key: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const counters = this.countersOf(key);
    counters.requests += 1;
    const refuse = (fault: StatusFault) => {
      counters.failed += 1;
      sendFault(response, fault);
    };
    const sent = await text(request);
    if (!this.keys.has(key)) return refuse(wrongKey(key));
    if (!request.headers["content-type"]?.startsWith("application/json")) {
      return refuse({ type: "status", status: 415, message: "Unsupported content type" });
    }
    const checked = checkRequest(
      sent,
      (model) => this.#behaviourFor(key, model),
      (model) => this.#models.has(model) || model.startsWith("fake"),
    );
    if (!checked.ok) return refuse(checked.fault);
    const { body } = checked;
    this.requests.push({ key, headers: request.headers, body });
    if (this.requests.length > REQUESTS_KEPT_MAX) this.requests.shift();
    const behaviour = this.#behaviourFor(key, body.model);
    const isFaulty = this.#random() < (behaviour.probability ?? 1);
    const fault = isFaulty ? (behaviour.fault ?? null) : null;
    if (fault?.type === "status") return refuse(fault);
    if (body.stream !== true) return sendWhole(response, body, behaviour);
    const stream = new AnswerStream(response, body, behaviour, fault, {
      emitted: () => {
        counters.tokens += 1;
      },
    });
    this.#run(stream, response, counters);
  }

  #run(stream: AnswerStream, response: ServerResponse, counters: KeyCounters): void {
    counters.inFlight += 1;
    counters.inFlightMax = Math.max(counters.inFlightMax, counters.inFlight);
    response.on("close", () => {
      counters.inFlight -= 1;
      if (stream.isComplete && response.writableFinished) counters.finished += 1;
      else if (!response.writableFinished && !stream.wasCut) counters.aborted += 1;
      stream.stop();
      this.#streams.delete(stream);
    });
    this.#streams.add(stream);
    stream.write();
    if (this.#ticker === null) this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    for (const stream of this.#streams) {
      stream.write();
      if (stream.isOver) this.#streams.delete(stream);
    }
    if (this.#streams.size > 0 || this.#ticker === null) return;
    clearInterval(this.#ticker);
    this.#ticker = null;
  }

  async #control(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (path === "/__counters") return sendJson(response, 200, Object.fromEntries(this.counters));
    if (path !== "/__behaviour") return sendJson(response, 404, {});
    const { key, behaviour } = JSON.parse(await text(request)) as {
      key?: string;
      behaviour: Behaviour;
    };
    if (key === undefined) this.behaviour = behaviour;
    else this.behaviours.set(key, behaviour);
    sendJson(response, 200, {});
  }

  #behaviourFor(key: string, model: string): Behaviour {
    return { ...this.behaviour, ...this.behaviours.get(key), ...parseBehaviour(model) };
  }

  /** Always the same row of numbers, so that a failing run can be repeated. */
  #random(): number {
    this.#randomState = (Math.imul(this.#randomState, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#randomState / 2 ** 32;
  }
}

function wrongKey(key: string): StatusFault {
  return {
    type: "status",
    status: 401,
    code: "invalid_api_key",
    errorType: "invalid_request_error",
    message: `Incorrect API key provided: ${key}.`,
  };
}

function sendFault(response: ServerResponse, fault: StatusFault): void {
  const { status, code = null, errorType = "server_error", param = null, metadata } = fault;
  const message = fault.message ?? `The request failed with ${status}.`;
  if (fault.retryAfter !== undefined) response.setHeader("retry-after", fault.retryAfter);
  if (fault.retryAfterMs !== undefined) response.setHeader("retry-after-ms", fault.retryAfterMs);
  response.setHeader("x-request-id", "req_fake");
  sendJson(response, status, { error: { message, type: errorType, param, code, metadata } });
}

function sendWhole(response: ServerResponse, body: ChatBody, behaviour: Behaviour): void {
  const tokens = tokensOf(behaviour);
  const message = { role: "assistant", content: tokens.join("") };
  sendJson(response, 200, {
    id: "chatcmpl-fake",
    object: "chat.completion",
    model: behaviour.modelAnswered ?? body.model,
    choices: [{ index: 0, message, finish_reason: behaviour.finish ?? "stop" }],
    usage: usageOf(body, behaviour, tokens.length),
  });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
