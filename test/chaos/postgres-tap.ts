import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** https://www.postgresql.org/docs/18/protocol-message-formats.html */
const TYPE_BYTES = 1;
const LENGTH_BYTES = 4;
const READY_FOR_QUERY = "Z".charCodeAt(0);
const READY_BYTES = 6;

/** A moment in the life of a statement. */
export interface TapPoint {
  /** Which statement, by its text. */
  readonly statement: RegExp;
  /** "before" it reaches the server, or "after" it was carried out, before anybody hears of it. */
  readonly phase: "before" | "after";
}

/**
 * Stands between a program and PostgreSQL, reads which statements pass, and stops the line at the one
 * it was told: a fault point at every statement, with nothing of it in the program.
 */
export class PostgresTap implements AsyncDisposable {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #lines = new Set<Line>();
  readonly #server: Server;
  #armed: { readonly point: TapPoint; readonly strike: () => void } | null = null;

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  async open(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the tap has no port");
    return address.port;
  }

  /** Resolves when the line stands still at the point, once. */
  reach(point: TapPoint): Promise<void> {
    return new Promise((resolve) => {
      this.#armed = { point, strike: resolve };
    });
  }

  /** Nothing is stopped any more. */
  disarm(): void {
    this.#armed = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const line of this.#lines) line.cut();
    await closed;
  }

  #join(client: Socket): void {
    const line = new Line(client, connect(this.#target), (text) => this.#judge(text));
    this.#lines.add(line);
    client.once("close", () => this.#lines.delete(line));
  }

  #judge(text: string): { readonly phase: TapPoint["phase"]; readonly strike: () => void } | null {
    const armed = this.#armed;
    if (armed === null || !armed.point.statement.test(text)) return null;
    this.#armed = null;
    return { phase: armed.point.phase, strike: armed.strike };
  }
}

type Judge = (text: string) => { readonly phase: string; readonly strike: () => void } | null;

/** One connection. */
class Line {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #judge: Judge;
  readonly #prepared = new Map<string, string>();
  #waiting = Buffer.alloc(0);
  #isStarted = false;
  #isStopped = false;
  /** Set while an answer is kept back. */
  #strike: (() => void) | null = null;
  #answer = Buffer.alloc(0);

  constructor(client: Socket, server: Socket, judge: Judge) {
    this.#client = client;
    this.#server = server;
    this.#judge = judge;
    client.on("data", (chunk: Buffer) => this.#fromClient(chunk));
    server.on("data", (chunk: Buffer) => this.#fromServer(chunk));
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("error", () => {});
      from.once("close", () => to.destroy());
    }
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #fromClient(chunk: Buffer): void {
    this.#waiting = Buffer.concat([this.#waiting, chunk]);
    for (;;) {
      // The first message has no type.
      const head = this.#isStarted ? TYPE_BYTES : 0;
      if (this.#waiting.length < head + LENGTH_BYTES || this.#isStopped) return;
      const length = head + this.#waiting.readInt32BE(head);
      if (this.#waiting.length < length) return;
      const message = this.#waiting.subarray(0, length);
      this.#waiting = this.#waiting.subarray(length);
      if (this.#isStarted) this.#look(message);
      this.#isStarted = true;
      if (!this.#isStopped) this.#server.write(message);
    }
  }

  #look(message: Buffer): void {
    const type = String.fromCharCode(message[0] ?? 0);
    const body = message.subarray(TYPE_BYTES + LENGTH_BYTES);
    const [first = "", second = ""] = body.toString("latin1").split("\0", 2);
    if (type === "P") this.#prepared.set(first, body.toString("utf8").split("\0", 2)[1] ?? "");
    const text = type === "Q" ? first : type === "B" ? (this.#prepared.get(second) ?? "") : null;
    const verdict = text === null ? null : this.#judge(text);
    if (verdict === null) return;
    if (verdict.phase === "before") {
      this.#isStopped = true;
      verdict.strike();
    } else {
      this.#strike = verdict.strike;
    }
  }

  #fromServer(chunk: Buffer): void {
    if (this.#strike === null) {
      if (!this.#isStopped) this.#client.write(chunk);
      return;
    }
    this.#answer = Buffer.concat([this.#answer, chunk]);
    const end = this.#answer.length - READY_BYTES;
    // It is ready for the next one: what was asked has been carried out, and committed.
    if (end < 0 || this.#answer[end] !== READY_FOR_QUERY) return;
    this.#isStopped = true;
    this.#strike();
    this.#strike = null;
  }
}
