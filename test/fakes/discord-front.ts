import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ChannelBuckets } from "./discord/channel-buckets.ts";
import { DiscordFailure } from "./discord/discord-failure.ts";
import { ask, type ReceivedBody, readBody } from "./discord/front-http.ts";
import { InteractionRules } from "./discord/interaction-rules.ts";

const TEXT_LENGTH_MAX = 2000;

export interface FrontOptions {
  /** The REST root of the twin, without a version. */
  readonly target: string;
  readonly token: string;
  /** Opens the channel in which this person and the bot write to each other. */
  readonly openDirectChannel: (userId: string) => Promise<string>;
  /** What `GET /gateway/bot` answers. */
  readonly describeGateway: () => Record<string, unknown>;
  /** A message in a server as the bot may read it. */
  readonly readable: (message: unknown) => unknown;
  readonly now?: () => number;
  /** In which five messages or edits of a channel are allowed, in real time; 5,000 unless given. */
  readonly bucketWindowMs?: number;
}

/** One call as it came, and what it was answered with. */
export interface FrontCall extends ReceivedBody {
  readonly method: string;
  /** Without "/api/v10". */
  readonly path: string;
  readonly atMs: number;
  status: number;
  answer: Record<string, unknown>;
}

interface Fault {
  readonly method: string;
  readonly path: RegExp;
  readonly answer: DiscordFailure | "cut" | { readonly retryAfterSeconds: number };
  left: number;
}

/**
 * Stands before `discord-digital-twin` and makes it strict: rate limits, lengths, tokens, the
 * rules of interactions, direct messages, files, and faults on demand.
 */
export class DiscordFront {
  /** "Edit and send share one bucket": nobody outside Discord knows. */
  editsShareBucket = true;
  blocksDirectMessages = false;
  mayDeleteMessages = true;
  readonly calls: FrontCall[] = [];
  readonly interactions: InteractionRules;
  readonly #options: FrontOptions;
  readonly #server: Server;
  readonly #buckets: ChannelBuckets;
  readonly #now: () => number;
  readonly #faults: Fault[] = [];
  readonly #directChannels = new Set<string>();

  private constructor(options: FrontOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#buckets = new ChannelBuckets(Date.now, options.bucketWindowMs);
    this.interactions = new InteractionRules(this.#now);
    this.#server = createServer((incoming, response) => void this.#serve(incoming, response));
  }

  static async start(options: FrontOptions): Promise<DiscordFront> {
    const front = new DiscordFront(options);
    await new Promise<void>((resolve) => front.#server.listen(0, "127.0.0.1", resolve));
    return front;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api`;
  }

  /** Calls of one kind, e.g. `callsOf("PATCH", /messages/)`. */
  callsOf(method: string, path: RegExp): FrontCall[] {
    return this.calls.filter((call) => call.method === method && path.test(call.path));
  }

  failNext(method: string, path: RegExp, answer: Fault["answer"], times = 1): void {
    this.#faults.push({ method, path, answer, left: times });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = incoming.method ?? "GET";
    const path = decodeURIComponent((incoming.url ?? "").replace("/api/v10", ""));
    const { body, files } = await readBody(incoming);
    const call: FrontCall = {
      ...{ method, path, body, files, atMs: this.#now() },
      ...{ status: 0, answer: {} },
    };
    this.calls.push(call);
    try {
      const isCut = this.#injectFault(call, response);
      if (isCut) {
        incoming.socket.destroy();
        return;
      }
      if (call.status === 0) await this.#answer(call, incoming, response);
    } catch (error) {
      if (!(error instanceof DiscordFailure)) throw error;
      call.status = error.status;
      call.answer = { ...error.body };
    }
    if (call.status === 204) {
      response.writeHead(204).end();
      return;
    }
    response.writeHead(call.status, { "content-type": "application/json" });
    response.end(JSON.stringify(call.answer));
  }

  async #answer(call: FrontCall, incoming: IncomingMessage, response: ServerResponse) {
    const { method, path, body } = call;
    this.#checkToken(incoming, path);
    if (this.#isRateLimited(call, response)) return;
    this.#checkContent(call);
    if (path === "/gateway/bot") {
      call.status = 200;
      call.answer = this.#options.describeGateway();
      return;
    }
    if (method === "POST" && path === "/users/@me/channels") {
      const id = await this.#options.openDirectChannel(String(body.recipient_id));
      this.#directChannels.add(id);
      call.status = 200;
      call.answer = { id, type: 1, recipients: [{ id: body.recipient_id }] };
      return;
    }
    const [, target] = /^\/channels\/(\d+)\/messages/.exec(path) ?? [];
    if (target !== undefined && method === "POST" && this.#directChannels.has(target)) {
      const error = new DiscordFailure(403, 50007, "Cannot send messages to this user");
      if (this.blocksDirectMessages) throw error;
    }
    if (method === "DELETE" && target !== undefined && !this.mayDeleteMessages) {
      throw new DiscordFailure(403, 50013, "Missing Permissions");
    }
    this.#applyInteractionRules(call);
    await this.#forward(call);
  }

  #applyInteractionRules(call: FrontCall): void {
    const { path, body } = call;
    const [, id] = /^\/interactions\/(\d+)\/[^/]+\/callback/.exec(path) ?? [];
    if (id !== undefined) this.interactions.acknowledge(id, body);
    const [, token, message] =
      /^\/webhooks\/\d+\/([^/?]+)(?:\/messages\/([^/?]+))?/.exec(path) ?? [];
    if (token === undefined) return;
    const interaction = this.interactions.use(token);
    if (call.method === "GET" || call.method === "DELETE") return;
    const wanted = Number(body.flags ?? 0);
    body.flags = this.interactions.flagsOf(interaction, message ?? "", wanted);
  }

  async #forward(call: FrontCall): Promise<void> {
    const path = call.path.replace("@original", encodeURIComponent("@original"));
    const hasBody = call.method !== "GET" && call.method !== "DELETE";
    const text = hasBody ? JSON.stringify(call.body) : "";
    const { status, answer } = await ask(call.method, `${this.#options.target}/v10${path}`, text);
    call.status = status;
    const isPublicList = Array.isArray(answer) && !this.#isDirect(path);
    call.answer = isPublicList ? (answer.map(this.#options.readable) as never) : answer;
    const isMessage = path.startsWith("/webhooks/") && typeof answer.id === "string";
    if (isMessage) this.interactions.noteMessage(String(answer.id), Number(answer.flags ?? 0));
  }

  #isDirect(path: string): boolean {
    return this.#directChannels.has(/^\/channels\/(\d+)/.exec(path)?.[1] ?? "");
  }

  #checkToken(incoming: IncomingMessage, path: string): void {
    if (path.startsWith("/webhooks/") || path.startsWith("/interactions/")) return;
    if (incoming.headers.authorization === `Bot ${this.#options.token}`) return;
    throw new DiscordFailure(401, 0, "401: Unauthorized");
  }

  #isRateLimited(call: FrontCall, response: ServerResponse): boolean {
    const [, channel] = /^\/channels\/(\d+)\/messages(\/\d+)?$/.exec(call.path) ?? [];
    if (channel === undefined || !["POST", "PATCH"].includes(call.method)) return false;
    const bucket = this.editsShareBucket ? "messages" : `messages-${call.method}`;
    const waitSeconds = this.#buckets.take(bucket, channel, response);
    if (waitSeconds === null) return false;
    refuseForNow(call, waitSeconds);
    return true;
  }

  #checkContent({ body, path, method, files }: FrontCall): void {
    if (!/messages|webhooks/.test(path) || !["POST", "PATCH"].includes(method)) return;
    const content = String(body.content ?? "");
    if (content.length > TEXT_LENGTH_MAX) {
      const text = "Must be 2000 or fewer in length.";
      const errors = { content: { _errors: [{ code: "BASE_TYPE_MAX_LENGTH", message: text }] } };
      throw new DiscordFailure(400, 50035, "Invalid Form Body", { errors });
    }
    if (content.trim() === "" && files.length === 0) {
      throw new DiscordFailure(400, 50006, "Cannot send an empty message");
    }
  }

  /** `true` when the connection is to be cut. */
  #injectFault(call: FrontCall, response: ServerResponse): boolean {
    const fault = this.#faults.find(
      ({ method, path, left }) => left > 0 && method === call.method && path.test(call.path),
    );
    if (fault === undefined) return false;
    fault.left -= 1;
    if (fault.answer === "cut") return true;
    if (fault.answer instanceof DiscordFailure) throw fault.answer;
    const { retryAfterSeconds } = fault.answer;
    response.setHeader("Retry-After", String(retryAfterSeconds));
    response.setHeader("X-RateLimit-Scope", "user");
    refuseForNow(call, retryAfterSeconds);
    return false;
  }
}

function refuseForNow(call: FrontCall, waitSeconds: number): void {
  call.status = 429;
  const message = "You are being rate limited.";
  call.answer = { message, retry_after: waitSeconds, global: false };
}
