import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { AnswerStream } from "./openai-answer-stream.ts";
import type { Behaviour } from "./openai-behaviour.ts";
import { type ChatBody, checkRequest } from "./openai-request-check.ts";

/** One ticker for all streams: a timer for each would make the server the bottleneck. */
const TICK_MS = 10;
/** What was on its way when a key was told to wait could not know of it. */
const KNOWS_AFTER_MS = 300;
/** A tick later than this means that the machine had no time for this process. */
const LATE_MS = 5;

/** One question that reached the upstream; times as `performance.now()` gives them. */
export interface WitnessedCall {
  readonly key: string;
  /** The text of the last message of the person. */
  readonly question: string;
  readonly startedAtMs: number;
  endedAtMs: number | null;
  /** Tokens that were written. */
  emitted: number;
  /** "left": the client went away in the middle. "broken": as its behaviour says. */
  end: "running" | "refused" | "finished" | "left" | "broken";
}

/** How a question is answered; the same question may be answered in another way the next time. */
export type Script = (question: string, call: WitnessedCall) => Behaviour;

export interface WitnessOptions {
  readonly keys: readonly string[];
  readonly script: Script;
  /** Calls that one key may have at the same time; more are a violation. */
  readonly concurrentMax?: number;
}

interface Cooling {
  readonly fromMs: number;
  readonly untilMs: number;
  /** What `#stoodStillMs` was then: nobody heard anything meanwhile. */
  readonly stoodStillMs: number;
}

/**
 * An OpenAI-compatible endpoint that answers each question by a script and bears witness: it keeps
 * every call with its times and its end, and notes who called a key that had been told to wait.
 */
export class WitnessUpstream implements AsyncDisposable {
  readonly calls: WitnessedCall[] = [];
  /** What nobody should have done, one sentence each. */
  readonly violations: string[] = [];
  readonly #options: WitnessOptions;
  readonly #server: Server;
  readonly #streams = new Set<AnswerStream>();
  /** From when on and until when nothing may reach a key. */
  readonly #cooling = new Map<string, Cooling>();
  readonly #inFlight = new Map<string, number>();
  readonly #ticker: NodeJS.Timeout;
  #origin = "";
  #tickedAtMs = performance.now();
  #stoodStillMs = 0;

  private constructor(options: WitnessOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
    // A client that keeps a connection longer than we do would meet its end with its next call.
    this.#server.keepAliveTimeout = 120_000;
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  static async start(options: WitnessOptions): Promise<WitnessUpstream> {
    const server = new WitnessUpstream(options);
    server.#server.listen(0, "127.0.0.1");
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

  callsOf(question: string): WitnessedCall[] {
    return this.calls.filter((call) => call.question === question);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#ticker);
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", this.#origin);
    const key = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const startedAtMs = performance.now();
    const sent = await text(request);
    if (request.method !== "POST" || pathname !== "/v1/chat/completions") {
      return refuse(response, 404, `Unknown URL: ${pathname}`);
    }
    const call: WitnessedCall = {
      key,
      question: "",
      startedAtMs,
      endedAtMs: null,
      emitted: 0,
      end: "running",
    };
    this.#judgeArrival(call);
    const checked = checkRequest(
      sent,
      () => ({}),
      () => true,
    );
    if (!checked.ok || !this.#options.keys.includes(key)) {
      return refuse(response, checked.ok ? 401 : 400, "invalid request or key");
    }
    const heard = { ...call, question: questionOf(checked.body) };
    this.calls.push(heard);
    this.#answer(heard, checked.body, response);
  }

  #answer(call: WitnessedCall, body: ChatBody, response: ServerResponse): void {
    const behaviour = this.#options.script(call.question, call);
    const { fault } = behaviour;
    if (fault?.type === "status") {
      call.end = "refused";
      call.endedAtMs = performance.now();
      if (fault.retryAfterMs !== undefined) {
        response.setHeader("retry-after-ms", fault.retryAfterMs);
        const untilMs = call.endedAtMs + Number(fault.retryAfterMs);
        this.#noteLateness();
        const stoodStillMs = this.#stoodStillMs;
        this.#cooling.set(call.key, { fromMs: call.endedAtMs, untilMs, stoodStillMs });
      }
      refuse(response, fault.status, "refused by the script");
      return;
    }
    const stream = new AnswerStream(response, body, behaviour, fault ?? null, {
      emitted: () => {
        call.emitted += 1;
      },
    });
    this.#inFlight.set(call.key, this.#inFlightOf(call.key) + 1);
    response.on("close", () => {
      this.#inFlight.set(call.key, this.#inFlightOf(call.key) - 1);
      call.endedAtMs = performance.now();
      if (stream.isComplete && response.writableFinished) call.end = "finished";
      else call.end = response.writableFinished || stream.wasCut ? "broken" : "left";
      stream.stop();
      this.#streams.delete(stream);
    });
    this.#streams.add(stream);
    stream.write();
  }

  #judgeArrival({ key, startedAtMs }: WitnessedCall): void {
    this.#noteLateness();
    const cooling = this.#cooling.get(key);
    if (cooling !== undefined) {
      const heardMs = startedAtMs - cooling.fromMs - (this.#stoodStillMs - cooling.stoodStillMs);

      const earlyMs = Math.round(cooling.untilMs - startedAtMs);
      if (heardMs > KNOWS_AFTER_MS && earlyMs > 1) {
        this.violations.push(`a key was called ${earlyMs} ms too early`);
      }
    }
    const { concurrentMax = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#inFlightOf(key) + 1 > concurrentMax) {
      this.violations.push(`a key had ${this.#inFlightOf(key) + 1} calls at once`);
    }
  }

  #inFlightOf(key: string): number {
    return this.#inFlight.get(key) ?? 0;
  }

  #noteLateness(): void {
    const nowMs = performance.now();
    const lateMs = nowMs - this.#tickedAtMs - TICK_MS;
    if (lateMs < LATE_MS) return;
    this.#stoodStillMs += lateMs;
    this.#tickedAtMs = nowMs;
  }

  #tick(): void {
    this.#noteLateness();
    this.#tickedAtMs = performance.now();
    for (const stream of this.#streams) {
      stream.write();
      if (stream.isOver) this.#streams.delete(stream);
    }
  }
}

function questionOf({ messages }: ChatBody): string {
  const last = messages.findLast(({ role }) => role === "user");
  if (last === undefined) return "";
  if (typeof last.content === "string") return last.content;
  return last.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}

function refuse(response: ServerResponse, status: number, message: string): void {
  const error = { message, type: "server_error", param: null, code: null };
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ error }));
}
