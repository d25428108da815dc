import type { Logger as SdkLogger, WSClient } from "@wecom/aibot-node-sdk";
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { CREDENTIALS_REFUSED, errorCode, WECOM } from "./wecom-errors.ts";
import { loadWecomLibrary } from "./wecom-library.ts";

/** A short loss of the connection is nothing an operator must know of. */
const LOSS_TOLERATED_MS = 10_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Every 30 s is advised (https://developer.work.weixin.qq.com/document/path/101463). */
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 30_000;
/** A connection that stood so long was a good one. */
const STEADY_MS = 30_000;
// WeCom protects itself against frequent subscriptions, on the same page, and whoever took the
// connection over would only lose it in turn.
const DISPLACED_RETRY_MS = 60_000;
const REFUSED_RETRY_MS = 5 * 60_000;
/** The library shall not connect again by itself: it gives up where it should not. */
const ONCE = 0;

type ConnectionEnd = "stopped" | "lost" | "displaced" | "refused";

const PROBLEMS = {
  displaced:
    "WeCom: another program took over the connection of this bot; only one may use WECOM_BOT_ID",
  refused: "WeCom refuses the bot: check WECOM_BOT_ID and WECOM_BOT_SECRET",
} as const;

export interface LinkOptions {
  readonly botId: string;
  readonly secret: string;
  /** `null`: WeCom's own. */
  readonly webSocketUrl: string | null;
  readonly clock: Clock;
  readonly log: Logger;
  /** A message or an event came. Must not throw. */
  readonly onMessage: (frame: unknown) => void;
  readonly onEvent: (frame: unknown, client: WSClient) => void;
}

/**
 * The one connection a bot may have. Every connection is a client of its own, so that how and when
 * to connect again is decided here.
 */
export class WecomLink {
  readonly #options: LinkOptions;
  #client: WSClient | null = null;
  #endConnection: (end: ConnectionEnd) => void = () => {};
  #problem: string | null = "WeCom is not connected yet";
  #lostAtMs: number | null = null;
  #yields = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** `null` when it is connected; else one sentence for operators. */
  get problem(): string | null {
    if (this.#problem !== null || this.#lostAtMs === null) return this.#problem;
    const isShort = this.#nowMs() - this.#lostAtMs < LOSS_TOLERATED_MS;
    return isShort ? null : "WeCom: connection lost, trying again";
  }

  /** What sends. Throws `OutsideError` while there is no connection. */
  get client(): WSClient {
    if (this.#client === null) throw new OutsideError(WECOM, "unreachable");
    return this.#client;
  }

  /** Another process takes over: when it connects, this one stays away. */
  yield(): void {
    this.#yields = true;
  }

  /** The connection no longer answers: makes a new one. */
  drop(): void {
    this.#endConnection("lost");
  }

  /** Keeps the connection until the signal aborts. `onSettled`: it stands, or `problem` says why not. */
  async run(signal: AbortSignal, onSettled: () => void): Promise<void> {
    const { clock, log } = this.#options;
    let retryMs = RETRY_MS;
    while (!signal.aborted) {
      const sinceMs = this.#nowMs();
      const end = await this.#connectOnce(signal, onSettled);
      if (end === "stopped") return;
      log.warn({ end }, "wecom connection ended");
      this.#describeEnd(end);
      onSettled();
      if (end === "displaced" && this.#yields) return;
      if (this.#nowMs() - sinceMs >= STEADY_MS) retryMs = RETRY_MS;
      await clock.sleep(waitMs(end, retryMs), signal);
      retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
    }
  }

  #describeEnd(end: Exclude<ConnectionEnd, "stopped">): void {
    if (end !== "lost") this.#problem = PROBLEMS[end];
    // What was wrong before is still the best explanation.
    else if (this.#problem === null) this.#lostAtMs ??= this.#nowMs();
    else if (!Object.values<string>(PROBLEMS).includes(this.#problem)) {
      this.#problem = "WeCom cannot be reached";
    }
  }

  async #connectOnce(signal: AbortSignal, onConnected: () => void): Promise<ConnectionEnd> {
    const client = await this.#createClient();
    const { promise: ended, resolve } = Promise.withResolvers<ConnectionEnd>();
    const connected = new AbortController();
    const stop = () => resolve("stopped");
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    this.#endConnection = resolve;
    this.#watch(client, resolve, () => {
      connected.abort();
      this.#client = client;
      this.#problem = null;
      this.#lostAtMs = null;
      onConnected();
    });
    client.connect();
    const timeout = AbortSignal.any([connected.signal, signal]);
    void this.#options.clock.sleep(CONNECT_TIMEOUT_MS, timeout).then(() => {
      if (!timeout.aborted) resolve("lost");
    });
    const end = await ended;
    connected.abort();
    signal.removeEventListener("abort", stop);
    this.#client = null;
    client.disconnect();
    return end;
  }

  async #createClient(): Promise<WSClient> {
    const { botId, secret, webSocketUrl, log } = this.#options;
    const { WSClient: Client } = await loadWecomLibrary();
    return new Client({
      botId,
      secret,
      ...(webSocketUrl !== null && { wsUrl: webSocketUrl }),
      wsOptions: { handshakeTimeout: CONNECT_TIMEOUT_MS },
      heartbeatInterval: HEARTBEAT_MS,
      maxReconnectAttempts: ONCE,
      maxAuthFailureAttempts: ONCE,
      logger: quietLogger(log),
    });
  }

  #watch(client: WSClient, end: (end: ConnectionEnd) => void, onConnected: () => void): void {
    const { onMessage, onEvent, log } = this.#options;
    client.on("authenticated", onConnected);
    client.on("message", onMessage);
    client.on("event", (frame) => onEvent(frame, client));
    client.on("event.disconnected_event", () => end("displaced"));
    client.on("disconnected", () => end("lost"));
    client.on("error", (error) => {
      const code = errorCode(error);
      log.debug({ code, problem: error.message }, "wecom connection failed");
      if (code === CREDENTIALS_REFUSED) end("refused");
    });
  }

  #nowMs(): number {
    return this.#options.clock.now().getTime();
  }
}

function waitMs(end: ConnectionEnd, retryMs: number): number {
  if (end === "displaced") return DISPLACED_RETRY_MS;
  return end === "refused" ? REFUSED_RETRY_MS : retryMs;
}

/** The library logs whole messages; only its constant sentences are worth keeping. */
function quietLogger(log: Logger): SdkLogger {
  const keep = (message: string) => log.debug({ library: message }, "wecom library");
  return { debug: () => {}, info: () => {}, warn: keep, error: keep };
}
