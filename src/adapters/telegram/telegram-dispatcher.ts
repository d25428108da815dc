import { ZodError } from "zod";
import type { ChatHandlers } from "../../core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { type TelegramApi, TelegramRefusal } from "./telegram-api.ts";
import { NOTICE_LENGTH_MAX, shorten } from "./telegram-content.ts";
import { parseUpdates, type TelegramEvent } from "./telegram-message.ts";

const TOO_LATE = /query is too old/i;

export interface DispatcherOptions {
  readonly api: TelegramApi;
  readonly bot: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Brings what Telegram tells us to the core. */
export class TelegramDispatcher {
  readonly #options: DispatcherOptions;
  #username = "";
  #handlers: ChatHandlers | null = null;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** The name people mention the bot by; needed before the first update is handled. */
  set username(username: string) {
    this.#username = username;
  }

  set handlers(handlers: ChatHandlers) {
    this.#handlers = handlers;
  }

  /** Handles one update, or those of one album. Throws what the core throws. */
  async handle(payloads: readonly unknown[]): Promise<void> {
    const event = this.#parse(payloads);
    const handlers = this.#handlers;
    if (event === null || handlers === null) return;
    switch (event.type) {
      case "message":
        return await handlers.onMessage(event.message);
      case "press":
        return await this.#handlePress(event, handlers);
      case "reachable":
        return await handlers.onReachable(event.userId, event.isReachable);
      case "moved":
        return await handlers.onChatMoved(event.from, event.to);
    }
  }

  /** A failed send told us; never throws. */
  async tellUnreachable(platformUserId: string): Promise<void> {
    await this.#tell((handlers) => handlers.onReachable(platformUserId, false));
  }

  /** A failed send told us; never throws. */
  async tellMoved(from: ChatAddress, to: ChatAddress): Promise<void> {
    await this.#tell((handlers) => handlers.onChatMoved(from, to));
  }

  #parse(payloads: readonly unknown[]): TelegramEvent | null {
    const { api, bot, clock, log } = this.#options;
    try {
      return parseUpdates(payloads, {
        botId: bot,
        botUsername: this.#username,
        now: clock.now(),
        loadFile: (fileId, sizeBytesMax) => api.download(fileId, sizeBytesMax),
      });
    } catch (error) {
      if (!(error instanceof ZodError)) throw error;
      const fields = error.issues.map(({ path }) => path.join("."));
      log.warn({ fields }, "update not understood");
      return null;
    }
  }

  async #handlePress(
    { pressId, action }: TelegramEvent & { readonly type: "press" },
    handlers: ChatHandlers,
  ): Promise<void> {
    let notice: string | null = null;
    try {
      if (action !== null) notice = await handlers.onAction(action);
    } finally {
      // Also after a failure: the button shows that it is busy until it is answered.
      await this.#answerPress(pressId, notice);
    }
  }

  async #answerPress(pressId: string, notice: string | null): Promise<void> {
    const { api, log } = this.#options;
    const text = notice === null ? {} : { text: shorten(notice.toWellFormed(), NOTICE_LENGTH_MAX) };
    try {
      await api.call((raw, signal) =>
        raw.answerCallbackQuery({ callback_query_id: pressId, ...text }, signal),
      );
    } catch (error) {
      const isTooLate = error instanceof TelegramRefusal && TOO_LATE.test(error.description);
      if (isTooLate) log.debug({}, "button press answered too late");
      else log.warn({ err: error }, "button press not answered");
    }
  }

  async #tell(tell: (handlers: ChatHandlers) => Promise<void>): Promise<void> {
    try {
      if (this.#handlers !== null) await tell(this.#handlers);
    } catch (error) {
      this.#options.log.error({ err: error }, "news from sending not handled");
    }
  }
}
