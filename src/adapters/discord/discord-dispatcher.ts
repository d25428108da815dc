import type { ChatHandlers } from "../../core/chat/chat-adapter.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import type { DiscordApi } from "./discord-api.ts";
import { type CommandMenu, isAnsweredAtOnce, isAnsweredInPrivate } from "./discord-commands.ts";
import { messageBody } from "./discord-content.ts";
import type { DiscordDirectChats } from "./discord-direct-chats.ts";
import type { DiscordInteractions } from "./discord-interactions.ts";
import { type DiscordEvent, readEvent } from "./discord-message.ts";
import { SavedEvent } from "./discord-payload.ts";

const REMEMBERED_MAX = 10_000;

export interface DispatcherOptions {
  readonly api: DiscordApi;
  readonly bot: string;
  readonly interactions: DiscordInteractions;
  readonly directChats: DiscordDirectChats;
  readonly menu: CommandMenu;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Brings what Discord tells us to the core. */
export class DiscordDispatcher {
  readonly #options: DispatcherOptions;
  readonly #unreachable = new Set<string>();
  #handlers: ChatHandlers | null = null;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  set handlers(handlers: ChatHandlers) {
    this.#handlers = handlers;
  }

  /** `null` when it is nothing to us. */
  read(event: SavedEvent): DiscordEvent | null {
    const { api, bot, clock } = this.#options;
    return readEvent(event, {
      botId: bot,
      now: clock.now(),
      loadFile: (url, sizeBytesMax) => api.download(url, sizeBytesMax),
    });
  }

  /** Answers Discord before anything else is done: it waits for three seconds only. */
  acknowledge(event: DiscordEvent): void {
    const { interactions } = this.#options;
    if (event.type === "message") return;
    interactions.open(event.interaction, this.#isEphemeral(event));
  }

  /** Handles one event. Throws what the core throws. */
  async handle(payloads: readonly unknown[]): Promise<void> {
    const [payload] = payloads;
    const event = this.read(SavedEvent.parse(payload));
    const handlers = this.#handlers;
    if (event === null || handlers === null) return;
    switch (event.type) {
      case "message":
        await this.#learnPerson(event.message, handlers);
        return await handlers.onMessage(event.message);
      case "command":
        return await this.#handleCommand(event, handlers);
      case "press":
        return await this.#handlePress(event, handlers);
    }
  }

  /** A failed send told us; never throws. */
  async tellUnreachable(userId: string): Promise<void> {
    if (this.#unreachable.size >= REMEMBERED_MAX) this.#unreachable.clear();
    this.#unreachable.add(userId);
    try {
      await this.#handlers?.onReachable(userId, false);
    } catch (error) {
      this.#options.log.error({ err: error }, "news from sending not handled");
    }
  }

  async #learnPerson(
    { isDirect, sender, address }: (DiscordEvent & { type: "message" })["message"],
    handlers: ChatHandlers,
  ): Promise<void> {
    if (!isDirect) return;
    const { platformUserId } = sender;
    this.#options.directChats.learn(platformUserId, address.channel);
    if (this.#unreachable.delete(platformUserId)) await handlers.onReachable(platformUserId, true);
  }

  async #handleCommand(
    event: DiscordEvent & { readonly type: "command" },
    handlers: ChatHandlers,
  ): Promise<void> {
    const { interactions } = this.#options;
    const interaction = interactions.adopt(event.interaction, this.#isEphemeral(event));
    await this.#learnPerson(event.message, handlers);
    await interactions.handle(interaction, () => handlers.onMessage(event.message));
    await interactions.finish(interaction, isAnsweredAtOnce(event.name));
  }

  async #handlePress(
    { interaction: payload, action }: DiscordEvent & { readonly type: "press" },
    handlers: ChatHandlers,
  ): Promise<void> {
    const { interactions, log } = this.#options;
    if (action === null) return;
    const notice = await handlers.onAction(action);
    if (notice === null) return;
    const interaction = interactions.adopt(payload, true);
    try {
      await interactions.respond(
        interaction,
        messageBody({ text: notice, format: "plain", buttons: [] }),
      );
    } catch (error) {
      log.warn({ err: error }, "button press not answered");
    }
  }

  #isEphemeral(event: DiscordEvent): boolean {
    if (event.type !== "command" || event.message.isDirect) return false;
    return isAnsweredInPrivate(event.name, event.message.address.channel, this.#options.menu);
  }
}
