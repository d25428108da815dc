import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

const QUESTION = /question-\d+/g;

/**
 * An OpenAI-compatible endpoint that does next to nothing, so that what is measured is not it: it
 * notes when each question arrives and answers a few words after `answerMs`.
 */
export class ModelServer implements AsyncDisposable {
  /** When the request with that question came in, by `performance.now()`. */
  readonly arrivedAtMs = new Map<string, number>();
  answerMs = 0;
  finished = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const atMs = performance.now();
      text(request)
        .then((body) => this.#answer(body, atMs, response))
        .catch(() => response.destroy());
    });
  }

  static async start(): Promise<ModelServer> {
    const server = new ModelServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #answer(body: string, atMs: number, response: ServerResponse): void {
    // The last one is what is asked now; those before it are context.
    const question = body.match(QUESTION)?.at(-1);
    if (question !== undefined && !this.arrivedAtMs.has(question)) {
      this.arrivedAtMs.set(question, atMs);
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    setTimeout(() => {
      const base = { id: "c", object: "chat.completion.chunk", created: 1, model: "bench" };
      const send = (value: object) =>
        response.write(`data: ${JSON.stringify({ ...base, ...value })}\n\n`);
      send({ choices: [{ index: 0, delta: { role: "assistant", content: "Fine." } }] });
      send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
      send({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 } });
      response.end("data: [DONE]\n\n");
      this.finished += 1;
    }, this.answerMs);
  }
}
