import type {
  ChatAdapter,
  ChatHandlers,
  OutgoingFile,
  OutgoingMessage,
  SentMessage,
} from "../../core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { InboxStore } from "../../core/chat/inbox.ts";
import type { Sender } from "../../core/chat/incoming-message.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { InboxRunner } from "../shared/inbox-runner.ts";
import { TELEGRAM, TelegramApi } from "./telegram-api.ts";
import { TELEGRAM_CAPABILITIES } from "./telegram-capabilities.ts";
import { type CommandMenu, publishCommandMenu } from "./telegram-commands.ts";
import { connectBot, describeProblem, type WebhookSettings } from "./telegram-connection.ts";
import { TelegramDispatcher } from "./telegram-dispatcher.ts";
import { chatAddress } from "./telegram-message.ts";
import { TelegramPoller } from "./telegram-poller.ts";
import { routeUpdate } from "./telegram-route.ts";
import { TelegramSender } from "./telegram-sender.ts";
import { TelegramWebhook } from "./telegram-webhook.ts";

const CONNECT_RETRY_MS = 1_000;
const CONNECT_RETRY_MS_MAX = 60_000;

export interface TelegramAdapterOptions {
  readonly token: string;
  /** `null`: Telegram's own. */
  readonly apiRoot: string | null;
  readonly mode: "poll" | "webhook";
  /** Needed in webhook mode. */
  readonly webhook: WebhookSettings | null;
  readonly inbox: InboxStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly commandMenu: CommandMenu;
}

/**
 * Telegram, by long polling or by webhook. Updates are saved before Telegram is told that we have
 * them, and handled after.
 */
export class TelegramAdapter implements ChatAdapter {
  readonly platform = TELEGRAM;
  readonly bot: string;
  readonly capabilities = TELEGRAM_CAPABILITIES;
  /** What the HTTP server has to route to us; `null` when we poll. */
  readonly webhookRoute: TelegramWebhook | null;
  readonly #options: TelegramAdapterOptions;
  readonly #webhook: WebhookSettings | null;
  readonly #log: Logger;
  readonly #api: TelegramApi;
  readonly #dispatcher: TelegramDispatcher;
  readonly #sender: TelegramSender;
  readonly #runner: InboxRunner;
  readonly #poller: TelegramPoller;
  readonly #stopping = new AbortController();
  #connectProblem: string | null = "Telegram is not connected yet";
  #listening: Promise<unknown> = Promise.resolve();

  constructor(options: TelegramAdapterOptions) {
    const { token, apiRoot, mode, webhook, inbox, clock } = options;
    if (mode === "webhook" && webhook === null) throw new Error("webhook mode needs a webhook");
    // A token is "<id of the bot>:<secret>". https://core.telegram.org/bots/api#authorizing-your-bot
    const bot = token.split(":")[0] ?? "";
    const log = options.log.child({ platform: TELEGRAM, bot });
    const api = new TelegramApi(token, apiRoot);
    const dispatcher = new TelegramDispatcher({ api, bot, clock, log });
    this.bot = bot;
    this.#options = options;
    this.#log = log;
    this.#api = api;
    this.#dispatcher = dispatcher;
    this.#sender = new TelegramSender(api, {
      onUnreachable: (userId) => void dispatcher.tellUnreachable(userId),
      onMoved: (from, to) => dispatcher.tellMoved(from, to),
    });
    this.#runner = new InboxRunner({
      platform: TELEGRAM,
      bot,
      store: inbox,
      clock,
      log,
      route: routeUpdate,
      handle: (payloads) => dispatcher.handle(payloads),
    });
    this.#poller = new TelegramPoller({ api, bot, inbox, target: this.#runner, clock, log });
    this.#webhook = mode === "webhook" ? webhook : null;
    this.webhookRoute =
      this.#webhook === null
        ? null
        : new TelegramWebhook(bot, this.#webhook.secretToken, inbox, {
            isReady: () => this.#isReady(),
            accept: (events) => this.#runner.accept(events),
          });
  }

  get problem(): string | null {
    return this.#connectProblem ?? this.#poller.problem;
  }

  /** Resolves once it listens, or once `problem` says why not; then it goes on trying. */
  async start(handlers: ChatHandlers): Promise<void> {
    this.#dispatcher.handlers = handlers;
    const isConnected = await this.#connect();
    this.#listening = this.#listen(isConnected);
  }

  async stopListening(): Promise<void> {
    this.#stopping.abort();
    await this.#listening;
    await this.#runner.drain();
  }

  async stop(): Promise<void> {
    await this.stopListening();
  }

  async send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage> {
    return await this.#sender.send(to, message);
  }

  async edit(message: SentMessage, content: OutgoingMessage): Promise<void> {
    await this.#sender.edit(message, content);
  }

  async sendFile(to: ChatAddress, file: OutgoingFile): Promise<SentMessage> {
    return await this.#sender.sendFile(to, file);
  }

  async showTyping(to: ChatAddress): Promise<void> {
    await this.#sender.showTyping(to);
  }

  async deleteMessage(address: ChatAddress, messageId: string): Promise<boolean> {
    return await this.#sender.deleteMessage(address, messageId);
  }

  /** A private chat has the id of its person. Sending fails if they never started the bot. */
  async openDirectChat(sender: Sender): Promise<ChatAddress | null> {
    return chatAddress(sender.platformUserId, null, this.bot);
  }

  async #connect(): Promise<boolean> {
    try {
      const signal = this.#stopping.signal;
      this.#dispatcher.username = await connectBot(this.#api, this.#webhook, signal);
    } catch (error) {
      this.#connectProblem = describeProblem(error).text;
      this.#log.warn({ err: error }, "telegram not connected");
      return false;
    }
    try {
      await this.#runner.start();
    } catch (error) {
      this.#connectProblem = "Telegram: saved updates cannot be read from the database";
      this.#log.error({ err: error }, "inbox cannot be read");
      return false;
    }
    this.#connectProblem = null;
    return true;
  }

  async #listen(isConnected: boolean): Promise<void> {
    const { clock, commandMenu, mode } = this.#options;
    const signal = this.#stopping.signal;
    let waitMs = CONNECT_RETRY_MS;
    for (let isUp = isConnected; !isUp; isUp = await this.#connect()) {
      await clock.sleep(waitMs, signal);
      if (signal.aborted) return;
      waitMs = Math.min(waitMs * 2, CONNECT_RETRY_MS_MAX);
    }
    await Promise.all([
      publishCommandMenu(this.#api, commandMenu, { clock, log: this.#log, signal }),
      mode === "poll" ? this.#poller.run(signal) : null,
    ]);
  }

  #isReady(): boolean {
    return this.#connectProblem === null && !this.#stopping.signal.aborted && !this.#runner.isFull;
  }
}
