import { badRequest } from "./bot-api-error.ts";
import type { Parameters } from "./parameters.ts";
import type { Update, UpdateQueue } from "./update-queue.ts";

const SECRET = /^[A-Za-z0-9_-]{1,256}$/;
const POST_TIMEOUT_MS = 10_000;
const RETRY_MS_MAX = 60_000;

interface Webhook {
  readonly url: string;
  readonly secretToken: string | null;
  readonly connectionsMax: number;
}

/** Posts updates to the bot: one chat in sequence, chats in parallel, again until it answers 2xx. */
export class WebhookSender {
  readonly #queue: UpdateQueue;
  readonly #retryMs: number;
  readonly #busy = new Map<number, string>();
  readonly #stopping = new AbortController();
  #webhook: Webhook | null = null;
  #lastError: { readonly at: number; readonly text: string } | null = null;

  /** `retryMs`: the pause before the first repetition; it doubles. */
  constructor(queue: UpdateQueue, retryMs: number) {
    this.#queue = queue;
    this.#retryMs = retryMs;
    queue.subscribe(() => this.#deliver());
  }

  get isSet(): boolean {
    return this.#webhook !== null;
  }

  set(parameters: Parameters): void {
    const url = String(parameters.url ?? "");
    if (url === "") {
      this.delete();
      return;
    }
    const address = URL.parse(url);
    const isLoopback = address?.hostname === "127.0.0.1" && address.protocol === "http:";
    if (address?.protocol !== "https:" && !isLoopback) {
      throw badRequest("bad webhook: An HTTPS URL must be provided for webhook");
    }
    const secretToken = (parameters.secret_token as string | undefined) ?? null;
    if (secretToken !== null && !SECRET.test(secretToken)) {
      throw badRequest("secret token contains unallowed characters");
    }
    const connectionsMax = Math.min(Number(parameters.max_connections ?? 40), 100);
    this.#webhook = { url, secretToken, connectionsMax };
    this.#deliver();
  }

  delete(): void {
    this.#webhook = null;
  }

  info(): Record<string, unknown> {
    return {
      url: this.#webhook?.url ?? "",
      has_custom_certificate: false,
      pending_update_count: this.#queue.pending.length,
      ...(this.#webhook !== null && { max_connections: this.#webhook.connectionsMax }),
      ...(this.#lastError !== null && {
        last_error_date: Math.floor(this.#lastError.at / 1000),
        last_error_message: this.#lastError.text,
      }),
    };
  }

  stop(): void {
    this.#stopping.abort();
  }

  #deliver(): void {
    if (this.#webhook === null || this.#stopping.signal.aborted) return;
    for (const update of this.#queue.pending) {
      if (this.#busy.size >= this.#webhook.connectionsMax) return;
      const chat = chatOf(update);
      const isBusy = this.#busy.has(update.update_id) || [...this.#busy.values()].includes(chat);
      if (isBusy) continue;
      this.#busy.set(update.update_id, chat);
      void this.#post(update).finally(() => {
        this.#busy.delete(update.update_id);
        this.#deliver();
      });
    }
  }

  async #post(update: Update): Promise<void> {
    for (let waitMs = this.#retryMs; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
      const webhook = this.#webhook;
      if (webhook === null || this.#stopping.signal.aborted) return;
      const error = await this.#tryPost(webhook, update);
      if (error === null) {
        this.#queue.remove(update.update_id);
        return;
      }
      this.#lastError = { at: Date.now(), text: error };
      await this.#sleep(waitMs);
    }
  }

  async #tryPost(webhook: Webhook, update: Update): Promise<string | null> {
    const timeout = AbortSignal.timeout(POST_TIMEOUT_MS);
    const secret = webhook.secretToken;
    try {
      const response = await fetch(webhook.url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(secret !== null && { "x-telegram-bot-api-secret-token": secret }),
        },
        body: JSON.stringify(update),
        signal: AbortSignal.any([timeout, this.#stopping.signal]),
      });
      await response.arrayBuffer();
      return response.ok ? null : `Wrong response from the webhook: ${response.status}`;
    } catch {
      return "Connection failed";
    }
  }

  async #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#stopping.signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
  }
}

function chatOf(update: Update): string {
  const [, content] = Object.entries(update).find(([kind]) => kind !== "update_id") ?? [];
  const { chat, message, from } = (content ?? {}) as Record<
    string,
    { id?: number; chat?: { id: number } }
  >;
  return String(chat?.id ?? message?.chat?.id ?? from?.id ?? update.update_id);
}
