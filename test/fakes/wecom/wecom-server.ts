import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { CODES, Refusal } from "./wecom-answers.ts";
import { type SeenMessage, WecomChats } from "./wecom-chats.ts";
import { WecomShelf } from "./wecom-shelf.ts";
import { WecomUploads } from "./wecom-uploads.ts";

interface Frame {
  readonly cmd: string;
  readonly headers: { readonly req_id: string };
  readonly body?: Record<string, unknown>;
}

interface SaidMessage {
  readonly msgid: string;
  readonly chat: string;
  readonly body: object;
}

/** A call the bot made, and what it was answered. */
export interface WecomCall {
  readonly cmd: string;
  readonly body: Record<string, unknown>;
  readonly atMs: number;
  readonly code: number;
}

export interface ServerOptions {
  readonly botId: string;
  readonly secret: string;
  readonly now: () => number;
}

const SUBSCRIBE = "aibot_subscribe";

/**
 * A strict WeCom for one smart bot: its long connection, the people who write to the bot, and the
 * shelf where their files lie encrypted.
 */
export class WecomServer implements AsyncDisposable {
  /** Nobody gets in. */
  isDown = false;
  /** Takes what comes and confirms nothing. */
  isSilent = false;
  readonly chats: WecomChats;
  readonly uploads = new WecomUploads();
  readonly shelf = new WecomShelf();
  readonly calls: WecomCall[] = [];
  subscriptions = 0;
  /** Who connected, good or bad. */
  connections = 0;
  readonly #options: ServerOptions;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #said: SaidMessage[] = [];
  #failures: { readonly cmd: string; readonly code: number }[] = [];
  #bot: WebSocket | null = null;

  private constructor(options: ServerOptions) {
    this.#options = options;
    this.chats = new WecomChats(options.now);
    this.#http = createServer((request, response) => this.shelf.serve(request, response));
    this.#sockets = new WebSocketServer({ server: this.#http });
    this.#sockets.on("connection", (socket) => this.#connected(socket));
  }

  static async start(options: ServerOptions): Promise<WecomServer> {
    const server = new WecomServer(options);
    await new Promise<void>((resolve) => server.#http.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  get isConnected(): boolean {
    return this.#bot !== null;
  }

  seenIn(chat: string): readonly SeenMessage[] {
    return this.chats.seenIn(chat);
  }

  /** A person writes, in private unless a group is named. Returns the id of the message. */
  says(text: string, where: { readonly from?: string; readonly group?: string } = {}): string {
    return this.sends({ msgtype: "text", text: { content: text } }, where);
  }

  /** A person sends something else than text. */
  sends(
    content: object,
    { from = "ann", group }: { readonly from?: string; readonly group?: string } = {},
  ): string {
    const msgid = randomUUID();
    const place =
      group === undefined ? { chattype: "single" } : { chattype: "group", chatid: group };
    const body = {
      msgid,
      aibotid: this.#options.botId,
      ...place,
      from: { userid: from },
      ...content,
    };
    const said = { msgid, chat: group ?? from, body };
    this.#said.push(said);
    this.#push(said);
    return msgid;
  }

  /** The same message comes once more, in a request of its own. */
  resend(msgid: string): void {
    const said = this.#said.find((message) => message.msgid === msgid);
    if (said === undefined) throw new Error("nobody said that");
    this.#push(said);
  }

  /** A person opens the chat, for the first time today. Returns the request it is answered by. */
  enters(from: string): string {
    const reqId = randomUUID();
    this.chats.open(reqId, "enter_chat", from);
    this.#pushEvent(reqId, { from: { userid: from }, event: { eventtype: "enter_chat" } });
    return reqId;
  }

  /** Puts a file on the shelf. */
  shelve(content: Buffer, name: string | null = null) {
    const { path, aeskey } = this.shelf.add(content, name);
    return { url: `${this.url.replace("ws:", "http:")}${path}`, aeskey };
  }

  /** The next such call is refused. */
  failNext(cmd: string, code: number): void {
    this.#failures.push({ cmd, code });
  }

  /** The line goes dead in the middle. */
  cut(): void {
    this.#bot?.terminate();
    this.#bot = null;
  }

  /** Another program with the same secret connects. */
  displace(): void {
    this.#displace();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    await new Promise((resolve) => this.#sockets.close(resolve));
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #connected(socket: WebSocket): void {
    this.connections += 1;
    if (this.isDown) {
      socket.terminate();
      return;
    }
    socket.on("message", (data) => this.#received(socket, JSON.parse(String(data)) as Frame));
    socket.on("close", () => {
      if (this.#bot === socket) this.#bot = null;
    });
  }

  #received(socket: WebSocket, frame: Frame): void {
    const { cmd, headers, body = {} } = frame;
    let code: number = CODES.ok;
    let errmsg = "ok";
    let result: object | undefined;
    try {
      const failure = this.#failures.find((planned) => planned.cmd === cmd);
      this.#failures = this.#failures.filter((planned) => planned !== failure);
      if (failure !== undefined) throw new Refusal(failure.code, "as planned");
      if (cmd !== SUBSCRIBE && socket !== this.#bot) {
        throw new Refusal(CODES.credentialsRefused, "subscribe first");
      }
      if (cmd !== "ping") result = this.#obey(socket, frame, body);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      code = error.code;
      errmsg = error.message;
    }
    this.calls.push({ cmd, body, atMs: this.#options.now(), code });
    if (this.isSilent && cmd !== SUBSCRIBE) return;
    socket.send(
      JSON.stringify({ headers, errcode: code, errmsg, ...(result && { body: result }) }),
    );
  }

  #obey(
    socket: WebSocket,
    { cmd, headers }: Frame,
    body: Record<string, unknown>,
  ): object | undefined {
    switch (cmd) {
      case SUBSCRIBE:
        this.#subscribe(socket, body);
        return;
      case "aibot_respond_msg":
        this.chats.respond(headers.req_id, body);
        return;
      case "aibot_respond_welcome_msg":
        this.chats.welcome(headers.req_id, body);
        return;
      case "aibot_send_msg":
        this.chats.send(body, (mediaId) => this.uploads.file(mediaId) !== undefined);
        return;
      case "aibot_upload_media_init":
        return this.uploads.begin(body);
      case "aibot_upload_media_chunk":
        this.uploads.add(body);
        return;
      case "aibot_upload_media_finish":
        return this.uploads.end(body);
      default:
        throw new Refusal(CODES.invalidParameter, `unknown command ${cmd}`);
    }
  }

  #subscribe(socket: WebSocket, body: Record<string, unknown>): void {
    const { botId, secret } = this.#options;
    if (body.bot_id !== botId || body.secret !== secret) {
      throw new Refusal(CODES.credentialsRefused, "invalid bot_id or secret");
    }
    this.subscriptions += 1;
    this.#displace();
    this.#bot = socket;
  }

  #displace(): void {
    const old = this.#bot;
    if (old === null) return;
    this.#pushEvent(randomUUID(), { event: { eventtype: "disconnected_event" } });
    this.#bot = null;
    old.close();
  }

  /** What is said while nobody is connected is lost, as in WeCom. */
  #push({ chat, body }: SaidMessage): void {
    const reqId = randomUUID();
    this.chats.open(reqId, "message", chat);
    this.#bot?.send(
      JSON.stringify({ cmd: "aibot_msg_callback", headers: { req_id: reqId }, body }),
    );
  }

  #pushEvent(reqId: string, event: object): void {
    const body = {
      ...{ msgid: randomUUID(), create_time: 1_700_000_000, aibotid: this.#options.botId },
      ...{ msgtype: "event", ...event },
    };
    this.#bot?.send(
      JSON.stringify({ cmd: "aibot_event_callback", headers: { req_id: reqId }, body }),
    );
  }
}
