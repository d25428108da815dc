import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { GatewaySession, MESSAGE_CONTENT, type NumberedEvent, shardOf } from "./gateway-session.ts";

// https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway
const DISPATCH = 0;
const HEARTBEAT = 1;
const IDENTIFY = 2;
const RESUME = 6;
const RECONNECT = 7;
const INVALID_SESSION = 9;
const HELLO = 10;
const HEARTBEAT_ACK = 11;
/** All there are, the privileged ones among them. */
const INTENTS_MAX = (1 << 26) - 1;
/** A session that its client closes in order is over; so is one that these codes end. */
const ENDING_CODES = new Set([1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014]);
const IDENTIFY_INTERVAL_MS = 5_000;

export interface StrictGatewayOptions {
  readonly token: string;
  readonly botId: string;
  readonly guildId: string;
}

/** One bot, connected. */
export interface GatewayConnection {
  readonly ws: WebSocket;
  /** Where it connected: "/" or "/resume". */
  readonly path: string;
  session: GatewaySession | null;
}

interface Identify {
  readonly token: string;
  readonly intents: number;
  readonly shard?: readonly [number, number];
}

interface Resume {
  readonly token: string;
  readonly session_id: string;
  readonly seq: number;
}

/**
 * Discord's gateway as it is documented: sessions that can be resumed and replay what was missed,
 * shards, intents, and the codes by which it closes a connection.
 * https://docs.discord.com/developers/events/gateway
 */
export class StrictGateway {
  /** How many shards `GET /gateway/bot` advises, and the fewest it takes. */
  shardsAdvised = 1;
  shardsMin = 1;
  heartbeatMs = 41_250;
  acksHeartbeats = true;
  /** Nobody can connect. */
  isDown = false;
  /** The operator switched the message content intent on. */
  grantsContent = true;
  /** Shards that may identify in the same five seconds; `null`: nobody counts. */
  concurrencyMax: number | null = null;
  /** The code by which an identification is refused; `null` for none. */
  refuses: (identify: Identify) => number | null = () => null;
  /** Each payload a client sent, with the path it was sent on, heartbeats left out. */
  readonly received: { readonly op: number; readonly path: string; readonly d: unknown }[] = [];
  readonly connections: GatewayConnection[] = [];
  readonly #options: StrictGatewayOptions;
  readonly #http: Server = createServer();
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #sessions = new Map<string, GatewaySession>();
  readonly #identifiedAtMs = new Map<number, number>();

  private constructor(options: StrictGatewayOptions) {
    this.#options = options;
    this.#http.on("upgrade", (request, socket, head) => {
      if (this.isDown) socket.destroy();
      else this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#serve(ws, request.url));
    });
  }

  static async start(options: StrictGatewayOptions): Promise<StrictGateway> {
    const gateway = new StrictGateway(options);
    await new Promise<void>((resolve) => gateway.#http.listen(0, "127.0.0.1", resolve));
    return gateway;
  }

  /** What `GET /gateway/bot` answers. */
  get description(): Record<string, unknown> {
    const limit = { total: 1000, remaining: 1000 - this.identifies.length, reset_after: 3_600_000 };
    return {
      url: this.#url("/"),
      shards: this.shardsAdvised,
      session_start_limit: { ...limit, max_concurrency: this.concurrencyMax ?? 16 },
    };
  }

  get identifies(): Identify[] {
    return this.received.filter(({ op }) => op === IDENTIFY).map(({ d }) => d as Identify);
  }

  get resumes(): { readonly path: string }[] {
    return this.received.filter(({ op }) => op === RESUME);
  }

  /** The connections that get events. */
  get clients(): (GatewayConnection & { readonly session: GatewaySession })[] {
    return this.connections.flatMap((connection) =>
      connection.session === null ? [] : [connection as never],
    );
  }

  /** Something happened. */
  broadcast(name: string, data: unknown): void {
    for (const session of this.#sessions.values()) {
      const event = session.take({ name, data });
      if (event === null) continue;
      for (const { ws, session: own } of this.connections) {
        if (own === session) tell(ws, event);
      }
    }
  }

  /** The network breaks: nobody says good-bye. */
  cut(): void {
    for (const { ws } of [...this.connections]) ws.terminate();
  }

  closeAll(code: number): void {
    for (const { ws } of [...this.connections]) ws.close(code);
  }

  /** "Connect again and resume". */
  askToReconnect(): void {
    for (const { ws } of this.connections) send(ws, { op: RECONNECT, d: null });
  }

  /** Nothing that happened before can be replayed any more. */
  forgetSessions(): void {
    this.#sessions.clear();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #url(path: string): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}${path}`;
  }

  #serve(ws: WebSocket, url = "/"): void {
    const { pathname } = new URL(url, "ws://127.0.0.1");
    const connection: GatewayConnection = { ws, path: pathname, session: null };
    this.connections.push(connection);
    send(ws, { op: HELLO, d: { heartbeat_interval: this.heartbeatMs } });
    ws.on("message", (raw) => this.#receive(connection, String(raw)));
    ws.on("close", (code) => {
      this.connections.splice(this.connections.indexOf(connection), 1);
      if (ENDING_CODES.has(code) && connection.session !== null) {
        this.#sessions.delete(connection.session.id);
      }
    });
  }

  #receive(connection: GatewayConnection, raw: string): void {
    const { ws, path, session } = connection;
    const { op, d } = parse(raw) ?? {};
    if (op === HEARTBEAT) {
      if (this.acksHeartbeats) send(ws, { op: HEARTBEAT_ACK });
      return;
    }
    if (op !== undefined) this.received.push({ op, path, d });
    const isStart = op === IDENTIFY || op === RESUME;
    if (op === undefined) ws.close(4002);
    else if (!isStart) ws.close(session === null ? 4003 : 4001);
    else if (session !== null) ws.close(4005);
    else if (op === IDENTIFY) this.#identify(connection, d as Identify);
    else this.#resume(connection, d as Resume);
  }

  #identify(connection: GatewayConnection, identify: Identify): void {
    const { ws } = connection;
    const [shard, shardCount] = identify.shard ?? [0, 1];
    const code = this.#refusal(identify, shard, shardCount);
    if (code !== null) ws.close(code);
    else if (this.#comesTooSoon(shard)) send(ws, { op: INVALID_SESSION, d: false });
    else this.#welcome(connection, shard, shardCount, identify.intents);
  }

  #welcome(connection: GatewayConnection, shard: number, shardCount: number, intents: number) {
    const { botId, guildId } = this.#options;
    const session = new GatewaySession(botId, shard, shardCount, intents);
    this.#sessions.set(session.id, session);
    connection.session = session;
    const isHome = shardOf(guildId, shardCount) === shard;
    const ready = session.append("READY", {
      ...{ v: 10, session_id: session.id, resume_gateway_url: this.#url("/resume") },
      shard: [shard, shardCount],
      user: { id: botId, username: "dianka", discriminator: "0", avatar: null, bot: true },
      guilds: isHome ? [{ id: guildId, unavailable: true }] : [],
      application: { id: botId, flags: 0 },
    });
    tell(connection.ws, ready);
  }

  #refusal(identify: Identify, shard: number, shardCount: number): number | null {
    const { token, intents } = identify;
    if (token !== this.#options.token) return 4004;
    if (shardCount < 1 || shard < 0 || shard >= shardCount) return 4010;
    if (shardCount < this.shardsMin) return 4011;
    if (intents < 0 || intents > INTENTS_MAX) return 4013;
    if ((intents & MESSAGE_CONTENT) !== 0 && !this.grantsContent) return 4014;
    return this.refuses(identify);
  }

  // https://docs.discord.com/developers/events/gateway#sharding-max-concurrency
  #comesTooSoon(shard: number): boolean {
    if (this.concurrencyMax === null) return false;
    const key = shard % this.concurrencyMax;
    const lastMs = this.#identifiedAtMs.get(key) ?? Number.NEGATIVE_INFINITY;
    this.#identifiedAtMs.set(key, Date.now());
    return Date.now() - lastMs < IDENTIFY_INTERVAL_MS;
  }

  #resume(connection: GatewayConnection, { token, session_id: id, seq }: Resume): void {
    const { ws } = connection;
    const session = this.#sessions.get(id);
    if (token !== this.#options.token) ws.close(4004);
    else if (session === undefined) send(ws, { op: INVALID_SESSION, d: false });
    else if (seq > session.sequence) ws.close(4007);
    else this.#replay(connection, session, seq);
  }

  #replay(connection: GatewayConnection, session: GatewaySession, seq: number): void {
    for (const other of this.connections) if (other.session === session) other.session = null;
    connection.session = session;
    for (const event of session.eventsAfter(seq)) tell(connection.ws, event);
    tell(connection.ws, session.append("RESUMED", {}));
  }
}

function parse(raw: string): { readonly op?: number; readonly d?: unknown } | null {
  try {
    return JSON.parse(raw);
  } catch {
    return null;
  }
}

function tell(ws: WebSocket, { name, data, sequence }: NumberedEvent): void {
  send(ws, { op: DISPATCH, t: name, s: sequence, d: data });
}

function send(ws: WebSocket, payload: object): void {
  if (ws.readyState === ws.OPEN) ws.send(JSON.stringify({ s: null, t: null, ...payload }));
}
