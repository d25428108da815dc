import type { WebMessage } from "../../src/core/chat/web-message-store.ts";
import type { WebRoute } from "../../src/core/chat/web-route.ts";
import type { Clock } from "../../src/core/clock.ts";
import { createId } from "../../src/core/ids.ts";

export interface TabEvent {
  readonly id: string | null;
  readonly name: string;
  readonly data: EventData;
}

/** What the JSON of an event can hold; each kind has some of it. */
export interface EventData extends Partial<WebMessage> {
  readonly from?: number;
  readonly ms?: number;
  readonly now?: string;
  readonly messages?: readonly WebMessage[];
  readonly hasEarlier?: boolean;
}

/** A browser tab: keeps cookies, sends what the page sends, and reads the stream of events. */
export class WebTab {
  readonly cookies: Map<string, string>;
  remoteAddress = "192.0.2.1";
  readonly #routes: readonly WebRoute[];
  readonly #clock: Clock;
  readonly #closing = new AbortController();

  /** Tabs of one browser share their cookies. */
  constructor(routes: readonly WebRoute[], clock: Clock, browser?: WebTab) {
    this.#routes = routes;
    this.#clock = clock;
    this.cookies = browser?.cookies ?? new Map();
  }

  async request(
    method: string,
    path: string,
    options: { readonly body?: unknown; readonly headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const headers = new Headers({ host: "chat.example", ...options.headers });
    if (this.cookies.size > 0) {
      headers.set(
        "cookie",
        [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; "),
      );
    }
    const request: RequestInit = { method, headers };
    if (options.body !== undefined) {
      if (!headers.has("content-type")) headers.set("content-type", "application/json");
      request.body = typeof options.body === "string" ? options.body : JSON.stringify(options.body);
    }
    const response = await this.#route(path).handle(
      new Request(`http://chat.example${path}`, request),
      { remoteAddress: this.remoteAddress, closing: this.#closing.signal },
    );
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ""] = cookie.split(";");
      this.cookies.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    return response;
  }

  /** Sends what a person wrote, as the page does. */
  say(text: string, fields: object = {}, prefix = "/chat"): Promise<Response> {
    const id = createId(this.#clock.now());
    return this.request("POST", `${prefix}/messages`, { body: { id, text, ...fields } });
  }

  async listen(prefix = "/chat", lastEventId: string | null = null): Promise<EventReader> {
    const headers: Record<string, string> =
      lastEventId === null ? {} : { "last-event-id": lastEventId };
    const response = await this.request("GET", `${prefix}/events`, { headers });
    if (response.body === null || response.status !== 200) throw new Error(`${response.status}`);
    return new EventReader(response.body);
  }

  /** What the server does to its streams when it stops. */
  closeServer(): void {
    this.#closing.abort();
  }

  #route(path: string): WebRoute {
    const { pathname } = new URL(path, "http://chat.example");
    const found = this.#routes.find((route) =>
      route.path.endsWith("/*")
        ? pathname.startsWith(route.path.slice(0, -1))
        : route.path === pathname,
    );
    if (found === undefined) throw new Error(`no route for ${pathname}`);
    return found;
  }
}

/** Reads server-sent events one by one. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #rest = "";

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  /** `null` when the stream has ended. Beats and settings are left out. */
  async next(): Promise<TabEvent | null> {
    for (;;) {
      const end = this.#rest.indexOf("\n\n");
      if (end === -1) {
        const { done, value } = await this.#reader.read();
        if (done) return null;
        this.#rest += this.#decoder.decode(value, { stream: true });
        continue;
      }
      const fields = new Map(this.#rest.slice(0, end).split("\n").map(toField));
      this.#rest = this.#rest.slice(end + 2);
      const name = fields.get("event");
      if (name === undefined || name === "beat") continue;
      return { id: fields.get("id") ?? null, name, data: JSON.parse(fields.get("data") ?? "null") };
    }
  }

  /** What comes next must be this. */
  async expect(name: string): Promise<EventData> {
    const event = await this.next();
    if (event?.name !== name) throw new Error(`expected ${name}, got ${JSON.stringify(event)}`);
    return event.data;
  }

  /** Bytes as they come, beats included. */
  async nextChunk(): Promise<string> {
    const { value } = await this.#reader.read();
    return this.#decoder.decode(value);
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

function toField(line: string): [string, string] {
  const colon = line.indexOf(": ");
  return [line.slice(0, colon), line.slice(colon + 2)];
}
