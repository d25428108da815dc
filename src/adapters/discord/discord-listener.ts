import { ZodError, type z } from "zod";
import type { InboxStore } from "../../core/chat/inbox.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { EventIntake, type IntakeTarget } from "../shared/event-intake.ts";
import type { DiscordApi } from "./discord-api.ts";
import { DiscordCatchUp } from "./discord-catch-up.ts";
import type { DiscordDispatcher } from "./discord-dispatcher.ts";
import { DISCORD } from "./discord-errors.ts";
import type { GatewayListener } from "./discord-gateway.ts";
import { eventIdOf } from "./discord-message.ts";
import { DiscordInteraction, DiscordMessage, type SavedEvent } from "./discord-payload.ts";

export interface ListenerOptions {
  readonly api: DiscordApi;
  readonly bot: string;
  readonly inbox: InboxStore;
  readonly dispatcher: DiscordDispatcher;
  readonly target: IntakeTarget;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onIdentified: (applicationId: string) => void;
}

/**
 * Takes what the gateway brings. What is nothing to us goes no further, so that a busy server
 * does not fill the database with the talk of others.
 */
export class DiscordListener implements GatewayListener {
  readonly #options: ListenerOptions;
  readonly #intake: EventIntake<SavedEvent>;
  readonly #catchUp: DiscordCatchUp;
  readonly #stopping = new AbortController();
  #catchingUp: Promise<void> = Promise.resolve();

  constructor(options: ListenerOptions) {
    const { api, clock, log } = options;
    this.#options = options;
    this.#intake = new EventIntake({
      ...options,
      ...{ platform: DISCORD, platformName: "Discord", eventIdOf },
    });
    this.#catchUp = new DiscordCatchUp(api, clock, log, (message) => this.onMessage(message));
  }

  get problem(): string | null {
    return this.#intake.problem;
  }

  onMessage(data: unknown): void {
    const message = this.#parse(DiscordMessage, data);
    if (message === null) return;
    const isForUs = this.#take({ kind: "message", data: message });
    this.#catchUp.sawMessage(message, isForUs);
  }

  onEdit(data: unknown): void {
    const message = this.#parse(DiscordMessage, data);
    if (message !== null) this.#take({ kind: "edit", data: message });
  }

  onInteraction(data: unknown): void {
    const interaction = this.#parse(DiscordInteraction, data);
    if (interaction !== null) this.#take({ kind: "interaction", data: interaction });
  }

  onIdentified(applicationId: string, isAgain: boolean): void {
    this.#options.onIdentified(applicationId);
    if (!isAgain) return;
    const signal = this.#stopping.signal;
    this.#catchingUp = this.#catchingUp.then(() => this.#catchUp.run(signal));
  }

  /** Waits for what came in to be saved. */
  async drain(): Promise<void> {
    this.#stopping.abort();
    await this.#catchingUp;
    await this.#intake.drain();
  }

  #take(saved: SavedEvent): boolean {
    const { dispatcher } = this.#options;
    const event = dispatcher.read(saved);
    if (event === null) return false;
    dispatcher.acknowledge(event);
    this.#intake.receive(saved);
    return true;
  }

  #parse<Schema extends z.ZodType>(schema: Schema, data: unknown): z.infer<Schema> | null {
    try {
      return schema.parse(data);
    } catch (error) {
      if (!(error instanceof ZodError)) throw error;
      const fields = error.issues.map(({ path }) => path.join("."));
      this.#options.log.warn({ fields }, "event not understood");
      return null;
    }
  }
}
