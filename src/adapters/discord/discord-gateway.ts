import type { Client, IShardingStrategy } from "discord.js";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import {
  CONTENT_INTENT_REFUSED,
  closeProblem,
  DISALLOWED_INTENTS,
  TOKEN_REFUSED,
} from "./discord-close-codes.ts";
import { type DiscordLibrary, loadDiscordLibrary } from "./discord-library.ts";

/** A short loss of the connection is nothing an operator must know of. */
const LOSS_TOLERATED_MS = 10_000;
/** Without a further shard that connects; they go one after the other. */
const LOGIN_TIMEOUT_MS = 60_000;
const DESTROY_TIMEOUT_MS = 3_000;

const UNREACHABLE = "Discord cannot be reached";

/** What discord.js itself has to see. */
const CONNECTION_EVENTS: ReadonlySet<string> = new Set(["READY", "RESUMED"]);

/** How `@discordjs/ws` names the event; discord.js exports another enum under the same name. */
const DISPATCH = "dispatch";

/** The part of discord.js that holds the connections of all shards. */
type SocketManager = ConstructorParameters<DiscordLibrary["SimpleShardingStrategy"]>[0];

// https://docs.discord.com/developers/events/gateway-events#ready
interface ReadyData {
  readonly application: { readonly id: string };
}

interface Dispatch {
  readonly t: string;
  readonly d: unknown;
}

/** What the gateway tells. None of these may throw. */
export interface GatewayListener {
  onMessage(data: unknown): void;
  onEdit(data: unknown): void;
  onInteraction(data: unknown): void;
  /** `isAgain`: what happened in between was not replayed. */
  onIdentified(applicationId: string, isAgain: boolean): void;
}

export interface GatewayOptions {
  readonly token: string;
  readonly apiUrl: string;
  readonly shards: number | "auto" | null;
  /** Ask for the privileged intent; without it we read direct messages and mentions only. */
  readonly messageContent: boolean;
  readonly listener: GatewayListener;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What ended a connection. */
export interface ConnectionEnd {
  /** It will not go away by itself, so there must be no further try. */
  readonly isLasting: boolean;
}

/**
 * The connection on which Discord tells us what happens. discord.js resumes it by itself; what it
 * cannot mend ends the connection.
 */
export class DiscordGateway {
  readonly #options: GatewayOptions;
  #asksForContent: boolean;
  #problem: string | null = "Discord is not connected yet";
  /** Since when each shard is without a connection. */
  readonly #lostAtMs = new Map<number, number>();
  readonly #identified = new Set<number>();
  #welcomes = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#asksForContent = options.messageContent;
  }

  /** `null` when it is connected; else one sentence for operators. */
  get problem(): string | null {
    if (this.#problem !== null || this.#lostAtMs.size === 0) return this.#problem;
    const lostForMs = this.#options.clock.now().getTime() - Math.min(...this.#lostAtMs.values());
    return lostForMs < LOSS_TOLERATED_MS ? null : "Discord: connection lost, trying again";
  }

  /**
   * Connects, and resolves with what ended the connection. `onConnected` is called when it stands.
   * Never rejects.
   */
  async run(signal: AbortSignal, onConnected: () => void): Promise<ConnectionEnd> {
    const library = await loadDiscordLibrary();
    const client = this.#createClient(library);
    const closed = new Promise<number>((resolve) => {
      client.on(library.Events.ShardDisconnect, ({ code }) => resolve(code));
    });
    const aborted = new Promise<null>((resolve) => {
      signal.addEventListener("abort", () => resolve(null), { once: true });
      if (signal.aborted) resolve(null);
    });
    this.#lostAtMs.clear();
    try {
      const connected = await Promise.race([this.#login(client, signal), closed, aborted]);
      if (connected === true) {
        this.#problem = null;
        onConnected();
      }
      const end = connected === true ? await Promise.race([closed, aborted]) : connected;
      return this.#describeEnd(end);
    } finally {
      await this.#destroy(client);
    }
  }

  /** `true` when connected, `false` when Discord could not be reached, or the close code. */
  async #login(client: Client, signal: AbortSignal): Promise<true | false | number> {
    const timeout = new AbortController();
    const late = this.#waitWithoutProgress(AbortSignal.any([timeout.signal, signal]));
    const login = client.login(this.#options.token).then(
      (): true => true,
      (error: unknown) => this.#loginFailure(error),
    );
    try {
      return await Promise.race([login, late]);
    } finally {
      timeout.abort();
    }
  }

  async #waitWithoutProgress(signal: AbortSignal): Promise<false> {
    let before: number;
    do {
      before = this.#welcomes;
      await this.#options.clock.sleep(LOGIN_TIMEOUT_MS, signal);
    } while (before !== this.#welcomes && !signal.aborted);
    return false;
  }

  #loginFailure(error: unknown): number | false {
    const isTokenRefused =
      error instanceof Error && "code" in error && error.code === "TokenInvalid";
    if (isTokenRefused) return TOKEN_REFUSED;
    this.#options.log.warn({ err: describe(error) }, "discord not connected");
    return false;
  }

  #describeEnd(end: number | false | null): ConnectionEnd {
    if (end === null) return { isLasting: true };
    if (end === false) {
      this.#problem = UNREACHABLE;
      return { isLasting: false };
    }
    if (end === DISALLOWED_INTENTS && this.#asksForContent) {
      this.#problem = CONTENT_INTENT_REFUSED;
      this.#options.log.warn({ code: end }, "going on without the message content intent");
      this.#asksForContent = false;
      return { isLasting: false };
    }
    this.#problem = closeProblem(end);
    this.#options.log.error({ code: end }, "discord closed the connection for good");
    return { isLasting: true };
  }

  #createClient(library: DiscordLibrary): Client {
    const { apiUrl, shards } = this.#options;
    const { GatewayIntentBits } = library;
    const client = new library.Client({
      intents: [
        GatewayIntentBits.Guilds,
        GatewayIntentBits.GuildMessages,
        GatewayIntentBits.DirectMessages,
        ...(this.#asksForContent ? [GatewayIntentBits.MessageContent] : []),
      ],
      rest: { api: apiUrl, version: "10" },
      ...(shards === "auto" && { shards }),
      ...(typeof shards === "number" && { shardCount: shards }),
      // We read what the gateway brings ourselves and wait for no list of servers.
      waitGuildTimeout: 0,
      ws: { buildStrategy: (manager) => this.#readDispatches(manager, library) },
    });
    this.#watch(client, library);
    return client;
  }

  /**
   * Takes what Discord sends before discord.js makes objects of it: those would be kept for ever,
   * and one that it cannot make would end the process. It only sees what keeps it connected.
   */
  #readDispatches(manager: SocketManager, library: DiscordLibrary): IShardingStrategy {
    const emit = manager.emit.bind(manager) as (event: string, ...rest: unknown[]) => boolean;
    const filtered = (event: string, ...rest: unknown[]): boolean => {
      if (event !== DISPATCH) return emit(event, ...rest);
      const [{ data, shardId }] = rest as [{ readonly data: Dispatch; readonly shardId: number }];
      this.#receive(data, shardId, library);
      return CONNECTION_EVENTS.has(data.t) ? emit(event, ...rest) : true;
    };
    manager.emit = filtered as typeof manager.emit;
    return new library.SimpleShardingStrategy(manager);
  }

  #receive({ t: name, d: data }: Dispatch, shard: number, library: DiscordLibrary): void {
    const { GatewayDispatchEvents: Event } = library;
    const { listener, log } = this.#options;
    try {
      if (name === Event.MessageCreate) listener.onMessage(data);
      else if (name === Event.MessageUpdate) listener.onEdit(data);
      else if (name === Event.InteractionCreate) listener.onInteraction(data);
      else if (name === Event.Ready) this.#welcome(data as ReadyData, shard);
      else if (name === Event.Resumed) this.#lostAtMs.delete(shard);
    } catch (error) {
      log.error({ err: error, event: name }, "event not taken");
    }
  }

  #welcome({ application }: ReadyData, shard: number): void {
    this.#welcomes += 1;
    this.#lostAtMs.delete(shard);
    const isAgain = this.#identified.has(shard);
    this.#identified.add(shard);
    this.#options.listener.onIdentified(application.id, isAgain);
  }

  #watch(client: Client, { Events }: DiscordLibrary): void {
    const { clock, log } = this.#options;
    client.on(Events.ShardReconnecting, (shard) => {
      if (!this.#lostAtMs.has(shard)) this.#lostAtMs.set(shard, clock.now().getTime());
      log.info({ shard }, "discord connection lost");
    });
    client.on(Events.ShardError, (error) => log.warn({ err: describe(error) }, "gateway failed"));
    client.on(Events.Error, (error) => log.warn({ err: describe(error) }, "discord.js failed"));
  }

  async #destroy(client: Client): Promise<void> {
    const timeout = new AbortController();
    const late = this.#options.clock.sleep(DESTROY_TIMEOUT_MS, timeout.signal);
    try {
      await Promise.race([client.destroy(), late]);
    } catch (error) {
      this.#options.log.debug({ err: describe(error) }, "connection not closed in order");
    } finally {
      timeout.abort();
    }
  }
}

/** Errors of discord.js may carry the request they belong to. */
function describe(error: unknown): Error {
  return new Error(error instanceof Error ? `${error.name}: ${error.message}` : "unknown");
}
