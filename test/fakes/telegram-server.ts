import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { BotApiError } from "./telegram/bot-api-error.ts";
import { callMethod } from "./telegram/call-method.ts";
import { handleControl } from "./telegram/control.ts";
import { findMethod } from "./telegram/parameters.ts";
import { messagePayload } from "./telegram/payloads.ts";
import { PersonAtWork } from "./telegram/person-at-work.ts";
import { RateModel } from "./telegram/rate-model.ts";
import { readRequest } from "./telegram/request-body.ts";
import { type ShownMessage, shownMessages } from "./telegram/shown-message.ts";
import type { Fault, RecordedCall, ServerState, Settings } from "./telegram/state.ts";
import { UpdateQueue } from "./telegram/update-queue.ts";
import { WebhookSender } from "./telegram/webhook-sender.ts";
import { type Person, type StoredChat, World } from "./telegram/world.ts";

const DEFAULT_TOKEN = "7000001:AAFakeTokenFakeTokenFakeTokenFake00";
const WAIT_MS = 10;

export interface TelegramServerOptions {
  readonly token?: string;
  readonly username?: string;
  /** 0: any free one. */
  readonly port?: number;
  /** Milliseconds; for dates and flood limits. Long polls and webhooks wait in real time. */
  readonly now?: () => number;
  readonly webhookRetryMs?: number;
  readonly settings?: Partial<Settings>;
}

/**
 * Telegram on this machine: the Bot API for one bot, its chats, and the people in them. Refuses
 * what Telegram refuses, in its words, and is stricter where Telegram would let a mistake pass.
 * The same can be driven from another process by `/_test/…`, see `telegram/control.ts`.
 */
export class TelegramServer {
  readonly calls: RecordedCall[] = [];
  readonly state: ServerState;
  readonly token: string;
  readonly #server: Server;
  readonly #faults: { readonly method: string; readonly fault: Fault }[] = [];
  readonly #chatFaults = new Map<number, Fault>();

  private constructor(options: TelegramServerOptions) {
    const now = options.now ?? Date.now;
    const queue = new UpdateQueue();
    this.token = options.token ?? DEFAULT_TOKEN;
    const bot = {
      id: Number(this.token.split(":")[0]),
      username: options.username ?? "dianka_bot",
    };
    this.state = {
      world: new World(bot, now),
      queue,
      webhook: new WebhookSender(queue, options.webhookRetryMs ?? 1_000),
      rates: new RateModel(now),
      settings: {
        richMessages: true,
        privacy: true,
        rateLimits: true,
        topics: false,
        ...options.settings,
      },
      files: new Map(),
      presses: new Map(),
      commands: new Map(),
      chatActions: [],
      now,
    };
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(options: TelegramServerOptions = {}): Promise<TelegramServer> {
    const server = new TelegramServer(options);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.#server.once("error", reject);
    server.#server.listen(options.port ?? 0, "127.0.0.1", resolve);
    await promise;
    return server;
  }

  async stop(): Promise<void> {
    this.state.webhook.stop();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** For `apiRoot`. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get botId(): number {
    return this.state.world.bot.id;
  }

  /** A person who may write, press buttons, block the bot … */
  user(id: number, details: Partial<Person> = {}): PersonAtWork {
    const { world } = this.state;
    if (!world.people.has(id)) world.addPerson(id, details);
    return new PersonAtWork(id, this.state);
  }

  /** A group; its id is negative. */
  group(id: number, details: Partial<StoredChat> = {}): StoredChat {
    return this.state.world.addChat(id, details);
  }

  /** What people see in a chat. */
  messages(chatId: number): ShownMessage[] {
    return shownMessages(this.state.world, this.state.world.chat(chatId));
  }

  /** Makes a supergroup of a group; returns its new id. */
  upgradeGroup(id: number): number {
    const { world, queue } = this.state;
    const old = world.chat(id);
    const chat = world.addChat(Number(`-100${-id}`), { title: old.title });
    old.migratedTo = chat.id;
    // https://core.telegram.org/bots/api#message: what a group does is sent by this account.
    const { id: senderId } = this.user(1_087_968_824, { firstName: "Group", isBot: true });
    for (const [place, field, other] of [
      [old, "migrate_to_chat_id", chat.id],
      [chat, "migrate_from_chat_id", old.id],
    ] as const) {
      const message = world.addMessage(place, { senderId, text: "", extra: { [field]: other } });
      queue.push("message", messagePayload(world, place, message));
    }
    return chat.id;
  }

  fail(method: string, fault: Fault, times = 1): void {
    for (let count = 0; count < times; count += 1) this.#faults.push({ method, fault });
  }

  /** The next message or edit in that chat fails. */
  failIn(chatId: number, fault: Fault): void {
    this.#chatFaults.set(chatId, fault);
  }

  callsOf(method: string): RecordedCall[] {
    return this.calls.filter((call) => call.method === method);
  }

  /** Resolves with the first value that is neither `undefined`, `null` nor `false`. */
  async waitFor<T>(
    look: (server: this) => T | undefined | null | false,
    timeoutMs = 5_000,
  ): Promise<T> {
    for (const deadline = Date.now() + timeoutMs; ; ) {
      const found = look(this);
      if (found !== undefined && found !== null && found !== false) return found;
      if (Date.now() > deadline) throw new Error("what was waited for did not happen");
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? "/", "http://127.0.0.1");
      if (url.pathname.startsWith("/_test/")) {
        return answer(response, 200, await handleControl(this, request, url));
      }
      const file = /^\/file\/bot([^/]+)\/(.+)$/.exec(url.pathname);
      if (file !== null) return this.#serveFile(response, file[1] ?? "", file[2] ?? "");
      const [, token, method] = /^\/bot([^/]+)\/(\w+)$/.exec(url.pathname) ?? [];
      if (token === undefined || method === undefined) throw new BotApiError(404, "Not Found");
      this.#checkToken(token);
      await this.#serveMethod(request, response, method, url.searchParams);
    } catch (error) {
      const refusal =
        error instanceof BotApiError
          ? error
          : new BotApiError(500, `Internal Server Error: ${error}`);
      answer(response, refusal.code, refusal);
    }
  }

  async #serveMethod(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    query: URLSearchParams,
  ): Promise<void> {
    const method = findMethod(name);
    const body = await readRequest(request, query);
    const call = {
      method: method ?? name,
      parameters: body.fields,
      at: this.state.now(),
      code: 200,
    };
    this.calls.push(call);
    const clientGone = new AbortController();
    response.once("close", () => clientGone.abort());
    const fault = this.#takeFault(call);
    try {
      if (fault?.code !== undefined) throw faultError(fault);
      const isCutBefore = fault?.cut === "before";
      const result = isCutBefore
        ? null
        : await callMethod(this.state, method, body, clientGone.signal);
      if (fault === null) return answer(response, 200, { ok: true, result });
      call.code = 0;
      request.socket.destroy();
    } catch (error) {
      call.code = error instanceof BotApiError ? error.code : 400;
      throw error;
    }
  }

  #takeFault({ method, parameters }: RecordedCall): Fault | null {
    const chatId = Number(parameters.chat_id);
    const inChat = /message/i.test(method) ? this.#chatFaults.get(chatId) : undefined;
    if (inChat !== undefined) {
      this.#chatFaults.delete(chatId);
      return inChat;
    }
    const index = this.#faults.findIndex((planned) => planned.method === method);
    return index === -1 ? null : (this.#faults.splice(index, 1)[0]?.fault ?? null);
  }

  #checkToken(token: string): void {
    if (!/^\d+:[\w-]+$/.test(token)) throw new BotApiError(404, "Not Found");
    if (token !== this.token) throw new BotApiError(401, "Unauthorized");
  }

  #serveFile(response: ServerResponse, token: string, path: string): void {
    this.#checkToken(token);
    const file = [...this.state.files.values()].find((known) => known.path === path);
    if (file === undefined) throw new BotApiError(404, "Not Found");
    response.writeHead(200, { "content-type": "application/octet-stream" }).end(file.content);
  }
}

function faultError({ code, description = "", retryAfter }: Fault): BotApiError {
  const parameters = retryAfter === undefined ? {} : { retry_after: retryAfter };
  return new BotApiError(code ?? 500, description, parameters);
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
