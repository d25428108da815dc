const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15_000];
/** A stream in a tab nobody looks at is closed after this: browsers allow few per site. */
const HIDDEN_MS = 60_000;
/** The server says every 15 s that it is still there; a stream without that is dead. */
const SILENCE_MS = 40_000;
const POST_TIMEOUT_MS = 90_000;
const EVENTS = ["snapshot", "message", "edit", "delete", "typing"];

/**
 * The way to our server: a stream of events that opens itself again, and requests.
 * Calls `handlers[event](data)` and `handlers.state("open" | "lost" | "asleep" | "refused")`.
 */
export class Connection {
  #prefix;
  #handlers;
  #source = null;
  #tries = 0;
  #retryTimer = 0;
  #hiddenTimer = 0;
  #silenceTimer = 0;
  #offsetMs = 0;
  #lastIdMs = 0;
  #isAsleep = false;

  constructor(prefix, handlers) {
    this.#prefix = prefix;
    this.#handlers = handlers;
    document.addEventListener("visibilitychange", () => this.#followVisibility());
    window.addEventListener("offline", () => this.#handlers.state("lost"));
    // What was open before is most likely dead, without anybody having noticed.
    window.addEventListener("online", () => this.#source !== null && this.open());
  }

  /** Opens the stream anew. */
  open() {
    clearTimeout(this.#retryTimer);
    this.#source?.close();
    this.#isAsleep = false;
    const source = new EventSource(`${this.#prefix}/events`);
    this.#source = source;
    source.onopen = () => {
      this.#tries = 0;
      this.#watch();
      this.#handlers.state("open");
    };
    source.onerror = () => this.#recover(source);
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        const data = JSON.parse(event.data);
        if (name === "snapshot") this.setServerTime(data.now);
        this.#handlers[name](data);
      });
    }
    source.addEventListener("beat", () => this.#watch());
    source.addEventListener("replaced", () => {
      this.#close();
      this.#isAsleep = true;
      this.#handlers.state("asleep");
    });
  }

  /** `{ status, body }`; status 0 when there was no answer. */
  async request(path, body) {
    const options = body === undefined ? {} : postOptions(body);
    try {
      const signal = AbortSignal.timeout(POST_TIMEOUT_MS);
      const response = await fetch(this.#prefix + path, { ...options, signal });
      return { status: response.status, body: await response.json().catch(() => null) };
    } catch {
      return { status: 0, body: null };
    }
  }

  address(path) {
    return this.#prefix + path;
  }

  /** Milliseconds since 1970 on the server's clock, never ahead of it. */
  now() {
    return Date.now() + this.#offsetMs;
  }

  setServerTime(text) {
    this.#offsetMs = Date.parse(text) - Date.now();
  }

  /** A UUID of version 7 in the server's time: messages are in the order of their ids. */
  createId() {
    this.#lastIdMs = Math.max(this.now(), this.#lastIdMs + 1);
    const time = this.#lastIdMs.toString(16).padStart(12, "0");
    const random = crypto.getRandomValues(new Uint8Array(10));
    random[0] = 0x70 | (random[0] & 0x0f);
    random[2] = 0x80 | (random[2] & 0x3f);
    const tail = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const hex = time + tail;
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  #watch() {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => {
      this.#handlers.state("lost");
      this.open();
    }, SILENCE_MS);
  }

  #close() {
    clearTimeout(this.#silenceTimer);
    this.#source?.close();
  }

  async #recover(source) {
    if (source !== this.#source) return;
    clearTimeout(this.#silenceTimer);
    this.#handlers.state("lost");
    // The browser tries again by itself, except after an answer it did not like.
    if (source.readyState !== EventSource.CLOSED) return;
    const { status } = await this.request("/state");
    if (status === 401) {
      this.#handlers.state("refused");
      return;
    }
    const waitMs = RETRY_MS[Math.min(this.#tries, RETRY_MS.length - 1)];
    this.#tries += 1;
    this.#retryTimer = setTimeout(() => this.open(), waitMs * (0.75 + Math.random() / 2));
  }

  #followVisibility() {
    clearTimeout(this.#hiddenTimer);
    if (document.visibilityState === "visible") {
      const isClosed = this.#source?.readyState === EventSource.CLOSED;
      if (!this.#isAsleep && isClosed) this.open();
      return;
    }
    this.#hiddenTimer = setTimeout(() => {
      if (!this.#handlers.isBusy()) this.#close();
    }, HIDDEN_MS);
  }
}

function postOptions(body) {
  return {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}
