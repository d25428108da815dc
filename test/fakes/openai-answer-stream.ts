import type { ServerResponse } from "node:http";
import { type Behaviour, type StreamFault, tokensOf } from "./openai-behaviour.ts";
import type { ChatBody } from "./openai-request-check.ts";

/** Told what happens to a stream, to be counted. */
export interface StreamWatcher {
  emitted(token: string): void;
}

/** One streamed answer, written as its time comes: the server's ticker calls `write` again and again. */
export class AnswerStream {
  readonly #response: ServerResponse;
  readonly #body: ChatBody;
  readonly #behaviour: Behaviour;
  readonly #fault: StreamFault | null;
  readonly #watcher: StreamWatcher;
  readonly #tokens: readonly string[];
  #given = 0;
  #reasoned = 0;
  #nextAtMs: number;
  #hasBegun = false;
  #isOver = false;
  #isComplete = false;
  #wasCut = false;

  constructor(
    response: ServerResponse,
    body: ChatBody,
    behaviour: Behaviour,
    fault: StreamFault | null,
    watcher: StreamWatcher,
  ) {
    this.#response = response;
    this.#body = body;
    this.#behaviour = behaviour;
    this.#fault = fault;
    this.#watcher = watcher;
    const all = tokensOf(behaviour);
    this.#tokens = all.slice(0, body.max_completion_tokens ?? body.max_tokens ?? all.length);
    this.#nextAtMs = performance.now() + (behaviour.firstByteMs ?? 0);
  }

  /** Nothing more will be written. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The whole answer was written. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** We broke the connection, not the client. */
  get wasCut(): boolean {
    return this.#wasCut;
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Writes what is due. */
  write(): void {
    while (!this.#isOver && performance.now() >= this.#nextAtMs) this.#step();
  }

  #step(): void {
    const token = this.#tokens[this.#given];
    if (this.#fault?.type === "hang") this.stop();
    else if (!this.#hasBegun) this.#begin();
    else if (this.#reasoned < (this.#behaviour.reasoning ?? 0)) this.#reason();
    else if (this.#fault !== null && this.#given >= (this.#fault.at ?? 0)) this.#fail(this.#fault);
    else if (token === undefined) this.#finish();
    else this.#give(token);
  }

  #give(token: string): void {
    this.#chunk({ choices: [{ index: 0, delta: { content: token }, finish_reason: null }] });
    this.#given += 1;
    this.#watcher.emitted(token);
    this.#nextAtMs += this.#behaviour.tokenMs ?? 0;
  }

  #begin(): void {
    this.#hasBegun = true;
    this.#response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "x-request-id": "req_fake",
    });
    this.#response.flushHeaders();
    if (this.#fault?.type === "silence") {
      this.stop();
      return;
    }
    // Azure sends a chunk without choices first.
    this.#chunk({ choices: [] });
    this.#chunk({
      choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }],
    });
  }

  #reason(): void {
    this.#reasoned += 1;
    const delta = { reasoning_content: "hmm", content: null };
    this.#chunk({ choices: [{ index: 0, delta, finish_reason: null }] });
    this.#nextAtMs += this.#behaviour.tokenMs ?? 0;
  }

  #fail(fault: StreamFault): void {
    this.stop();
    if (fault.type === "cut") {
      this.#wasCut = true;
      // Not before what was written has left us: it counts as given.
      this.#response.write("\n", () => this.#response.destroy());
    } else if (fault.type === "end") this.#response.end();
    else if (fault.type === "garbage") {
      this.#line('data: {"choices": [{"delta"');
      this.#response.end();
    } else if (fault.type === "error") {
      const error = fault.error ?? {
        message: "The server had an error",
        type: "server_error",
        code: null,
      };
      this.#line(`data: ${JSON.stringify({ error })}`);
      this.#response.end();
    }
  }

  #finish(): void {
    this.stop();
    const behaviour = this.#behaviour;
    const body = this.#body;
    const wasCutShort = this.#tokens.length < tokensOf(behaviour).length;
    const reason = wasCutShort ? "length" : (behaviour.finish ?? "stop");
    if (behaviour.omitsFinish !== true) {
      this.#chunk({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });
    }
    if (behaviour.staysOpen === true) return;
    if (body.stream_options?.include_usage === true && behaviour.usage !== false) {
      this.#chunk({
        choices: [],
        usage: behaviour.usageSent ?? usageOf(body, behaviour, this.#given),
      });
    }
    if (behaviour.omitsDone !== true) this.#line("data: [DONE]");
    this.#isComplete = true;
    this.#response.end();
  }

  #chunk(fields: object): void {
    if (this.#behaviour.comments === true) this.#line(": still thinking");
    const model = this.#behaviour.modelAnswered ?? this.#body.model;
    const chunk = {
      id: "chatcmpl-fake",
      object: "chat.completion.chunk",
      created: 1,
      model,
      ...fields,
    };
    this.#line(`data: ${JSON.stringify(chunk)}`);
  }

  #line(line: string): void {
    const end = this.#behaviour.lineEnd ?? "\n";
    const bytes = Buffer.from(`${line}${end}${end}`);
    if (this.#behaviour.byteByByte !== true) this.#response.write(bytes);
    else for (const byte of bytes) this.#response.write(Buffer.of(byte));
  }
}

/** What a question and its answer took, a token being four characters of the question. */
export function usageOf(body: ChatBody, behaviour: Behaviour, completionTokens: number) {
  const promptTokens = Math.ceil(JSON.stringify(body.messages).length / 4);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: behaviour.cachedTokens ?? 0 },
  };
}
