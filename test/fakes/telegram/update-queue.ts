import { BotApiError, badRequest } from "./bot-api-error.ts";

/** https://core.telegram.org/bots/api#getting-updates: these come only when asked for. */
const NOT_BY_DEFAULT = new Set(["chat_member", "message_reaction", "message_reaction_count"]);
const KINDS = new Set([
  ...NOT_BY_DEFAULT,
  "message",
  "edited_message",
  "channel_post",
  "edited_channel_post",
  "callback_query",
  "inline_query",
  "chosen_inline_result",
  "pre_checkout_query",
  "my_chat_member",
  "subscription",
  "stopped_message_generation",
]);
const LIMIT_MAX = 100;
const TIMEOUT_SECONDS_MAX = 50;
const CONFLICT =
  "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";

export interface Update {
  readonly update_id: number;
  readonly [kind: string]: unknown;
}

interface Waiting {
  readonly wake: () => void;
  readonly conflict: () => void;
}

export interface PollParameters {
  readonly offset?: number;
  readonly limit?: number;
  readonly timeout?: number;
  readonly allowed_updates?: readonly string[];
}

/** Updates that wait for the bot, and the one poll that waits for updates. */
export class UpdateQueue {
  readonly #updates: Update[] = [];
  readonly #listeners = new Set<() => void>();
  #nextId = 100_000;
  #allowed: ReadonlySet<string> | null = null;
  #waiting: Waiting | null = null;

  get pending(): readonly Update[] {
    return this.#updates;
  }

  /** `null` when the bot did not ask for this kind. */
  push(kind: string, content: unknown): Update | null {
    if (!this.#isAllowed(kind)) return null;
    const update = { update_id: this.#nextId, [kind]: content };
    this.#nextId += 1;
    this.#updates.push(update);
    this.#waiting?.wake();
    for (const listener of this.#listeners) listener();
    return update;
  }

  /** For the webhook, which sends what is pushed. */
  subscribe(listener: () => void): void {
    this.#listeners.add(listener);
  }

  allow(kinds: unknown): void {
    if (kinds === undefined) return;
    if (!Array.isArray(kinds)) throw badRequest("expected an Array of String as allowed_updates");
    const known = kinds.filter((kind) => KINDS.has(kind));
    this.#allowed = known.length === 0 ? null : new Set(known);
  }

  clear(): void {
    this.#updates.length = 0;
  }

  remove(updateId: number): void {
    const index = this.#updates.findIndex((update) => update.update_id === updateId);
    if (index !== -1) this.#updates.splice(index, 1);
  }

  /** The long poll. Ends early when the client goes away. */
  async poll(parameters: PollParameters, clientGone: AbortSignal): Promise<readonly Update[]> {
    this.allow(parameters.allowed_updates);
    this.#waiting?.conflict();
    this.#confirm(parameters.offset);
    const timeoutMs = Math.min(parameters.timeout ?? 0, TIMEOUT_SECONDS_MAX) * 1000;
    if (this.#updates.length === 0 && timeoutMs > 0) await this.#wait(timeoutMs, clientGone);
    const limit = Math.min(Math.max(parameters.limit ?? LIMIT_MAX, 1), LIMIT_MAX);
    return this.#updates.slice(0, limit);
  }

  /** Ends a poll that waits, as setting a webhook does. */
  interrupt(): void {
    this.#waiting?.conflict();
  }

  #confirm(offset: number | undefined): void {
    if (offset === undefined) return;
    if (offset < 0) {
      this.#updates.splice(0, Math.max(this.#updates.length + offset, 0));
      return;
    }
    const first = this.#updates.findIndex((update) => update.update_id >= offset);
    this.#updates.splice(0, first === -1 ? this.#updates.length : first);
  }

  async #wait(timeoutMs: number, clientGone: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { wake: resolve, conflict: () => reject(new BotApiError(409, CONFLICT)) };
    this.#waiting = waiting;
    const timer = setTimeout(resolve, timeoutMs);
    clientGone.addEventListener("abort", () => resolve(), { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      if (this.#waiting === waiting) this.#waiting = null;
    }
  }

  #isAllowed(kind: string): boolean {
    return this.#allowed === null ? !NOT_BY_DEFAULT.has(kind) : this.#allowed.has(kind);
  }
}
