import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  answerCall,
  type CallWorld,
  createTypingTicket,
  type IlinkBot,
  refuse,
} from "./ilink-calls.ts";
import { baseInfoFault, headerFault } from "./ilink-check.ts";
import { type IlinkFileReference, IlinkFiles } from "./ilink-files.ts";
import { bareNumber, stringifyIlink, Uint64Ids } from "./ilink-json.ts";
import { IlinkLoginCode } from "./ilink-logins.ts";
import { IlinkPerson } from "./ilink-person.ts";
import { parseBody, readBody, serveFile } from "./ilink-requests.ts";
import { IlinkUpdates } from "./ilink-updates.ts";

const HOLD_MS = 60_000;
const STALE_TOKEN = { errcode: -14, errmsg: "session timeout" };

export interface IlinkServerOptions {
  /** Milliseconds; for windows, bursts and dates. Polls wait in real time. */
  readonly now?: () => number;
  /** How long a poll waits when nothing happens. */
  readonly holdMs?: number;
}

export interface RecordedCall {
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

/** What one call of a name shall get instead of its answer. "lost": it is done, yet not answered. */
export type IlinkFault = { readonly ret: number } | { readonly status: number } | "lost";

type Item = Readonly<Record<string, unknown>>;

/**
 * Tencent's iLink on this machine: logins by code, the bots of several people, and their phones.
 * It refuses what iLink refuses, and notes in `faults` whatever a correct client never does.
 */
export class IlinkServer {
  readonly calls: RecordedCall[] = [];
  readonly faults: string[] = [];
  readonly codes: IlinkLoginCode[] = [];
  readonly people: IlinkPerson[] = [];
  /** What `confirmed` says about the address; `null`: the server's own. */
  baseUrlTold: string | null = null;
  readonly #server: Server;
  readonly #world: CallWorld;
  readonly #bots = new Map<string, IlinkBot>();
  readonly #updates = new Map<string, IlinkUpdates>();
  readonly #planned: { readonly call: string; readonly fault: IlinkFault }[] = [];
  #port = 0;
  #isCut = false;

  private constructor({ now = Date.now, holdMs = HOLD_MS }: IlinkServerOptions) {
    this.#world = {
      ids: new Uint64Ids(),
      files: new IlinkFiles(),
      nowMs: now,
      holdMs,
      faults: this.faults,
    };
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(options: IlinkServerOptions = {}): Promise<IlinkServer> {
    const server = new IlinkServer(options);
    await server.#listen(0);
    server.#port = (server.#server.address() as AddressInfo).port;
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async stop(): Promise<void> {
    if (this.#isCut) return;
    this.#isCut = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** As if the cable was pulled. */
  async cut(): Promise<void> {
    await this.stop();
  }

  async restore(): Promise<void> {
    await this.#listen(this.#port);
    this.#isCut = false;
  }

  addPerson(name: string): IlinkPerson {
    const person = new IlinkPerson(`${name}@im.wechat`);
    this.people.push(person);
    return person;
  }

  /** The person has scanned and confirms: their bot has a new token, and the old one is over. */
  confirm(code: IlinkLoginCode, person: IlinkPerson): string {
    this.expireToken(person);
    const token = `${person.botId}:${randomBytes(12).toString("hex")}`;
    const updates = this.#updates.get(person.id) ?? new IlinkUpdates(person.botId);
    this.#updates.set(person.id, updates);
    this.#bots.set(token, { person, token, updates, typingTicket: createTypingTicket() });
    code.confirm(person, token, this.baseUrlTold ?? this.url);
    return token;
  }

  /** From now on -14. A poll that waits is answered with it. */
  expireToken(person: IlinkPerson): void {
    for (const [token, bot] of this.#bots) {
      if (bot.person === person) this.#bots.delete(token);
    }
    this.#updates.get(person.id)?.wake();
  }

  /** The person writes to their bot. Returns the id of the message. */
  write(person: IlinkPerson, text: string): string {
    return this.deliver(person, [{ type: 1, text_item: { text } }]);
  }

  /** Puts a file where it can be downloaded. Returns what a message says about it. */
  put(content: Buffer, kind: "image" | "file"): IlinkFileReference {
    return this.#world.files.put(content, kind);
  }

  sendFile(person: IlinkPerson, name: string, content: Buffer): string {
    const media = this.put(content, "file");
    return this.deliver(person, [{ type: 4, file_item: { media, file_name: name } }]);
  }

  sendImage(person: IlinkPerson, content: Buffer): string {
    const media = this.put(content, "image");
    return this.deliver(person, [{ type: 2, image_item: { media } }]);
  }

  /** Any message to the person's bot; `over` changes its fields. */
  deliver(person: IlinkPerson, items: readonly Item[], over: Item = {}): string {
    const atMs = this.#world.nowMs();
    const contextToken = randomBytes(12).toString("base64");
    const id = typeof over.message_id === "string" ? over.message_id : this.#world.ids.next();
    person.wrote(atMs, contextToken);
    this.#updatesOf(person).push({
      seq: 1,
      from_user_id: person.id,
      to_user_id: person.botId,
      create_time_ms: atMs,
      message_type: 1,
      message_state: 2,
      context_token: contextToken,
      item_list: items,
      ...over,
      message_id: bareNumber(id),
    });
    return id;
  }

  /** The next call of that name gets this. */
  failNext(call: string, fault: IlinkFault): void {
    this.#planned.push({ call, fault });
  }

  /** Polls that wait for this person's bot. */
  pollsOf(person: IlinkPerson): number {
    return this.#updatesOf(person).waiting;
  }

  rewindsOf(person: IlinkPerson): number {
    return this.#updatesOf(person).rewinds;
  }

  callsOf(name: string): RecordedCall[] {
    return this.calls.filter((call) => call.name === name);
  }

  #updatesOf(person: IlinkPerson): IlinkUpdates {
    const updates = this.#updates.get(person.id);
    if (updates === undefined) throw new Error(`${person.id} has no bot`);
    return updates;
  }

  async #listen(port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen(port, "127.0.0.1", resolve);
    await promise;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const hangUp = new AbortController();
    response.on("close", () => hangUp.abort());
    const body = await readBody(request).catch(() => null);
    if (body === null) return;
    const url = new URL(request.url ?? "/", this.url);
    if (url.pathname.startsWith("/c2c/")) return serveFile(this.#world, url, body, response);
    const name = url.pathname.replace(/^\/ilink\/bot\//, "");
    const json = parseBody(body);
    this.calls.push({ name, body: json, atMs: this.#world.nowMs() });
    const planned = this.#planned.findIndex(({ call }) => call === name);
    const fault = planned === -1 ? null : (this.#planned.splice(planned, 1)[0]?.fault ?? null);
    if (fault !== null && fault !== "lost") {
      const isHttp = "status" in fault;
      response.writeHead(isHttp ? fault.status : 200, { "content-type": "application/json" });
      return void response.end(isHttp ? "<html>" : JSON.stringify({ ...fault, errmsg: "planned" }));
    }
    const answer = await this.#answer(request, url, name, json, hangUp.signal);
    if (fault === "lost") return void request.socket.destroy();
    response.writeHead(200, { "content-type": "application/json" });
    response.end(stringifyIlink(answer));
  }

  async #answer(
    { method = "", headers }: IncomingMessage,
    url: URL,
    name: string,
    body: Readonly<Record<string, unknown>>,
    hangUp: AbortSignal,
  ): Promise<object> {
    const fault = headerFault(method, headers);
    if (fault !== null) return refuse(this.#world, `${name}: ${fault}`);
    if (name === "get_qrcode_status" && method === "GET") return this.#loginStatus(url, hangUp);
    if (method !== "POST") return refuse(this.#world, `${name}: not POST`);
    if (name === "get_bot_qrcode") return this.#createCode(url, body);
    const infoFault = baseInfoFault(body, headers);
    if (infoFault !== null) return refuse(this.#world, `${name}: ${infoFault}`);
    const token = (headers.authorization ?? "").replace(/^Bearer /, "");
    const bot = this.#bots.get(token);
    if (bot === undefined) return STALE_TOKEN;
    const answer = await answerCall(this.#world, bot, { name, body, hangUp });
    // A poll may have waited for longer than the token lived.
    return this.#bots.get(token) === bot ? answer : STALE_TOKEN;
  }

  #createCode(url: URL, body: Readonly<Record<string, unknown>>): object {
    const tokens = body.local_token_list;
    const isList = Array.isArray(tokens) && tokens.every((token) => typeof token === "string");
    if (url.searchParams.get("bot_type") !== "3" || !isList || tokens.length > 10) {
      return refuse(this.#world, "get_bot_qrcode: wrong bot_type or local_token_list");
    }
    const code = new IlinkLoginCode(tokens);
    this.codes.push(code);
    return { ret: 0, qrcode: code.id, qrcode_img_content: code.content };
  }

  async #loginStatus(url: URL, hangUp: AbortSignal): Promise<object> {
    const code = this.codes.find(({ id }) => id === url.searchParams.get("qrcode"));
    if (code === undefined) return { status: "expired" };
    return code.read(url.searchParams.get("verify_code"), this.#world.holdMs, hangUp);
  }
}
