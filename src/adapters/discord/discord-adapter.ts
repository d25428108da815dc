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
import { DiscordApi } from "./discord-api.ts";
import { DISCORD_CAPABILITIES } from "./discord-capabilities.ts";
import { type CommandMenu, publishCommands } from "./discord-commands.ts";
import { DiscordDirectChats } from "./discord-direct-chats.ts";
import { DiscordDispatcher } from "./discord-dispatcher.ts";
import { DISCORD } from "./discord-errors.ts";
import { DiscordGateway } from "./discord-gateway.ts";
import { DiscordInteractions } from "./discord-interactions.ts";
import { DiscordListener } from "./discord-listener.ts";
import { routeEvent } from "./discord-route.ts";
import { DiscordSender } from "./discord-sender.ts";

const CONNECT_RETRY_MS = 2_000;
// 1000 identifications a day are allowed; one every 90 s stays below.
// https://docs.discord.com/developers/events/gateway#identifying
const CONNECT_RETRY_MS_MAX = 90_000;
/** `start` resolves after so long also when Discord does not answer. */
const START_WAIT_MS = 15_000;
const SWEEP_MS = 30_000;
const TOKEN_INVALID = "DISCORD_BOT_TOKEN is not a bot token";

export interface DiscordAdapterOptions {
  readonly token: string;
  /** As discord.js takes it, without a version; `null`: Discord's own. */
  readonly apiUrl: string | null;
  /** The operator's server, which gets the admin commands; `null` for none. */
  readonly guildId: string | null;
  /** "auto": as many as Discord advises; `null`: one. */
  readonly shards: number | "auto" | null;
  /** Ask for the privileged message content intent; by default not. */
  readonly messageContent?: boolean;
  readonly inbox: InboxStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly commandMenu: CommandMenu;
}

/**
 * Discord, by its gateway. Interactions are acknowledged the moment they come; every event is
 * saved before it is handled.
 */
export class DiscordAdapter implements ChatAdapter {
  readonly platform = DISCORD;
  readonly bot: string;
  readonly capabilities = DISCORD_CAPABILITIES;
  readonly #options: DiscordAdapterOptions;
  readonly #log: Logger;
  readonly #api: DiscordApi;
  readonly #interactions: DiscordInteractions;
  readonly #dispatcher: DiscordDispatcher;
  readonly #sender: DiscordSender;
  readonly #runner: InboxRunner;
  readonly #listener: DiscordListener;
  readonly #gateway: DiscordGateway;
  readonly #stopping = new AbortController();
  readonly #background = new Set<Promise<unknown>>();
  #startProblem: string | null = null;
  #hasPublished = false;
  #listening: Promise<void> = Promise.resolve();

  constructor(options: DiscordAdapterOptions) {
    const { token, apiUrl, inbox, clock } = options;
    const bot = botIdOf(token) ?? "unknown";
    const log = options.log.child({ platform: DISCORD, bot });
    const api = new DiscordApi(token, apiUrl, clock, log);
    const directChats = new DiscordDirectChats(api);
    const interactions = new DiscordInteractions(api, clock, log);
    const menu = options.commandMenu;
    const parts = { api, bot, interactions, directChats };
    const dispatcher = new DiscordDispatcher({ ...parts, menu, clock, log });
    this.bot = bot;
    this.#options = options;
    this.#log = log;
    this.#api = api;
    this.#interactions = interactions;
    this.#dispatcher = dispatcher;
    this.#sender = new DiscordSender({
      ...parts,
      onUnreachable: (userId) => void dispatcher.tellUnreachable(userId),
    });
    this.#runner = new InboxRunner({
      platform: DISCORD,
      bot,
      store: inbox,
      clock,
      log,
      route: routeEvent,
      handle: (payloads) => dispatcher.handle(payloads),
    });
    this.#listener = new DiscordListener({
      api,
      bot,
      inbox,
      dispatcher,
      target: this.#runner,
      clock,
      log,
      onIdentified: (applicationId) => this.#publish(applicationId),
    });
    this.#gateway = new DiscordGateway({
      token,
      apiUrl: api.apiUrl,
      shards: options.shards,
      messageContent: options.messageContent ?? false,
      listener: this.#listener,
      clock,
      log,
    });
  }

  get problem(): string | null {
    return this.#startProblem ?? this.#gateway.problem ?? this.#listener.problem;
  }

  /** Resolves once it listens, or once `problem` says why not; then it goes on trying. */
  async start(handlers: ChatHandlers): Promise<void> {
    this.#dispatcher.handlers = handlers;
    if (botIdOf(this.#options.token) === null) {
      this.#startProblem = TOKEN_INVALID;
      return;
    }
    const started = new AbortController();
    this.#inBackground(this.#sweep());
    this.#listening = this.#listen(() => started.abort());
    const { clock } = this.#options;
    await clock.sleep(START_WAIT_MS, AbortSignal.any([started.signal, this.#stopping.signal]));
  }

  async stopListening(): Promise<void> {
    this.#stopping.abort();
    await this.#listening;
    await this.#listener.drain();
    await this.#runner.drain();
  }

  async stop(): Promise<void> {
    await this.stopListening();
    await Promise.all(this.#background);
    await this.#api.close();
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

  async openDirectChat(sender: Sender): Promise<ChatAddress | null> {
    return await this.#sender.openDirectChat(sender);
  }

  async #listen(onSettled: () => void): Promise<void> {
    const { clock } = this.#options;
    const signal = this.#stopping.signal;
    let waitMs = CONNECT_RETRY_MS;
    let isInboxRead = false;
    while (!signal.aborted) {
      isInboxRead ||= await this.#readInbox();
      if (isInboxRead) {
        const end = await this.#gateway.run(signal, () => {
          waitMs = CONNECT_RETRY_MS;
          onSettled();
        });
        if (end.isLasting) {
          onSettled();
          return;
        }
      }
      onSettled();
      await clock.sleep(waitMs, signal);
      waitMs = Math.min(waitMs * 2, CONNECT_RETRY_MS_MAX);
    }
  }

  async #readInbox(): Promise<boolean> {
    try {
      await this.#runner.start();
      this.#startProblem = null;
      return true;
    } catch (error) {
      this.#startProblem = "Discord: saved events cannot be read from the database";
      this.#log.error({ err: error }, "inbox cannot be read");
      return false;
    }
  }

  #publish(applicationId: string): void {
    if (this.#hasPublished) return;
    this.#hasPublished = true;
    const { guildId, commandMenu, clock } = this.#options;
    const around = { clock, log: this.#log, signal: this.#stopping.signal };
    this.#inBackground(publishCommands(this.#api, applicationId, guildId, commandMenu, around));
  }

  async #sweep(): Promise<void> {
    const signal = this.#stopping.signal;
    while (!signal.aborted) {
      await this.#options.clock.sleep(SWEEP_MS, signal);
      if (!signal.aborted) await this.#interactions.sweep();
    }
  }

  #inBackground(task: Promise<void>): void {
    const guarded = task
      .catch((error: unknown) => this.#log.error({ err: error }, "background task failed"))
      .finally(() => this.#background.delete(guarded));
    this.#background.add(guarded);
  }
}

/** A token begins with the id of its bot in base64. `null` when it does not. */
function botIdOf(token: string): string | null {
  const id = Buffer.from(token.split(".")[0] ?? "", "base64").toString("latin1");
  return /^\d{17,20}$/.test(id) ? id : null;
}
