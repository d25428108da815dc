import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";

/** No provider explains a refusal at such length. */
const REFUSAL_BYTES_MAX = 262_144;

export interface StreamedRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What takes the bytes of a response that is a stream. */
export interface StreamReceiver {
  push(bytes: Uint8Array): void;
  /** Nothing more will come; `error` is `null` when the response ended in order. */
  end(error: unknown): void;
}

/** A response that is no stream: an error, or something else in JSON. */
export interface Refusal {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Its body as JSON, else as text. */
  readonly body: unknown;
}

/** The call was given up by us. */
class CancelledError extends Error {
  override readonly name = "AbortError";
}

/**
 * One POST whose response is read as a stream. The bytes go straight from the parser of the connection
 * to the receiver: `fetch`, with a web stream in between, takes twice the work for each chunk.
 */
export class StreamedCall implements Dispatcher.DispatchHandler {
  /** `null` once a stream has begun, else why it has not. Rejects when there is no response. */
  readonly opened: Promise<Refusal | null>;
  readonly #receiver: StreamReceiver;
  readonly #settle: PromiseWithResolvers<Refusal | null>;
  #controller: Dispatcher.DispatchController | null = null;
  #refused: { readonly status: number; readonly headers: IncomingHttpHeaders } | null = null;
  readonly #refusal: Uint8Array[] = [];
  #refusalBytes = 0;
  #isOver = false;
  #drainTimer: NodeJS.Timeout | undefined;

  constructor(dispatcher: Dispatcher, request: StreamedRequest, receiver: StreamReceiver) {
    this.#receiver = receiver;
    this.#settle = Promise.withResolvers();
    this.opened = this.#settle.promise;
    const { origin, pathname, search } = request.url;
    const { headers, body } = request;
    const options = { origin, path: pathname + search, method: "POST", headers, body } as const;
    dispatcher.dispatch(options, this);
  }

  /**
   * What still comes is of no interest, but the end of the response is: then its connection can serve
   * the next request. Gives up after `ms`.
   */
  drain(ms: number): void {
    if (!this.#isOver) this.#drainTimer = setTimeout(() => this.cancel(), ms);
  }

  /** Gives up what has not come yet, and its connection. Does nothing when all has come. */
  cancel(): void {
    if (this.#isOver) return;
    const error = new CancelledError("cancelled");
    this.#end(error);
    this.#controller?.abort(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new CancelledError("cancelled"));
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // 1xx: the response is still to come.
    if (status < 200) return;
    // Some gateways answer 200 with an error object in place of a stream.
    const isJson = headers["content-type"]?.includes("json") ?? false;
    if (status < 300 && !isJson) this.#settle.resolve(null);
    else this.#refused = { status, headers };
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#refused === null) this.#receiver.push(chunk);
    else this.#readRefusal(chunk);
  }

  onResponseEnd(): void {
    this.#end(null);
  }

  onResponseError(_: Dispatcher.DispatchController, error: unknown): void {
    this.#end(error);
  }

  #readRefusal(chunk: Uint8Array): void {
    this.#refusal.push(chunk);
    this.#refusalBytes += chunk.length;
    if (this.#refusalBytes <= REFUSAL_BYTES_MAX) return;
    this.#end(null);
    this.#controller?.abort(new CancelledError("too long"));
  }

  #end(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#drainTimer);
    if (this.#refused === null) {
      this.#settle.reject(error);
      this.#receiver.end(error);
    } else {
      this.#settle.resolve({ ...this.#refused, body: parse(Buffer.concat(this.#refusal)) });
    }
  }
}

function parse(bytes: Buffer): unknown {
  const text = bytes.toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
