import type { ChatAdapter, ChatHandlers } from "../core/chat/chat-adapter.ts";
import type { LeaderLock } from "../core/leader-lock.ts";
import type { Logger } from "../core/log.ts";
import type { BotKey } from "../core/reply-queue.ts";

/** How long another process may hold the lock that we lost before it is sure to own the bot: a session of ours may linger. */
const REGAIN_LIMIT_MS = 15_000;

export interface BotOwnerParts {
  readonly adapter: ChatAdapter;
  readonly lock: LeaderLock;
  readonly handlers: ChatHandlers;
  readonly deliverFor: (bot: BotKey) => void;
  /** Another process owns the bot now, so this one must end. */
  readonly onLost: () => void;
  readonly log: Logger;
}

/**
 * Runs one bot while this process owns it: a rate budget, a shard and a poller belong to exactly
 * one process. As long as another one has it, this one waits as standby.
 */
export class BotOwner {
  readonly #parts: BotOwnerParts;
  readonly #stopping = new AbortController();
  #state: "starting" | "standby" | "owner" = "starting";
  #release: () => Promise<void> = async () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(parts: BotOwnerParts) {
    this.#parts = parts;
  }

  get adapter(): ChatAdapter {
    return this.#parts.adapter;
  }

  /** "standby" counts as healthy: another process does the work. */
  get state(): "starting" | "standby" | "owner" {
    return this.#state;
  }

  /** Resolves once the bot runs, or once it is clear that another process has it. */
  async start(): Promise<void> {
    const isOwner = this.#own();
    this.#running = isOwner.then(() => {});
    const standby = new Promise<void>((resolve) => setTimeout(resolve, 1_000).unref());
    await Promise.race([isOwner, standby]);
    if (this.#state === "starting") this.#state = "standby";
  }

  async stopListening(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    if (this.#state === "owner") await this.#parts.adapter.stopListening();
  }

  async stop(): Promise<void> {
    await this.stopListening();
    await this.#parts.adapter.stop();
    await this.#release();
  }

  async #own(): Promise<void> {
    const { adapter, handlers, deliverFor } = this.#parts;
    if (!(await this.#acquire())) return;
    await adapter.start(handlers);
    this.#state = "owner";
    deliverFor({ platform: adapter.platform, bot: adapter.bot });
  }

  async #acquire(
    signal: AbortSignal = this.#stopping.signal,
    onTaken: () => void = () => {},
  ): Promise<boolean> {
    const { adapter, lock } = this.#parts;
    const name = `bot:${adapter.platform}:${adapter.bot}`;
    const held = await lock.acquire(name, signal, () => void this.#regain(), onTaken);
    if (held === null) return false;
    this.#release = held.release;
    return true;
  }

  /** Most often the database was only restarted; else a standby has taken over by now. */
  async #regain(): Promise<void> {
    const { adapter, onLost, log } = this.#parts;
    if (this.#stopping.signal.aborted) return;
    // As long as the database is away nobody else can take the bot, however long that is.
    const taken = new AbortController();
    let limit: NodeJS.Timeout | undefined;
    const onTaken = () => {
      limit = setTimeout(() => taken.abort(), REGAIN_LIMIT_MS);
    };
    const signal = AbortSignal.any([taken.signal, this.#stopping.signal]);
    const isOurs = await this.#acquire(signal, onTaken);
    clearTimeout(limit);
    if (isOurs) return;
    if (this.#stopping.signal.aborted) return;
    const { platform, bot } = adapter;
    log.error({ platform, bot }, "another process owns this bot now");
    onLost();
  }
}
