import { AsyncLocalStorage } from "node:async_hooks";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { acknowledge, PRESS } from "./discord-acknowledge.ts";
import type { DiscordApi, DiscordCall } from "./discord-api.ts";
import { type MessageBody, ONLY_FOR_YOU } from "./discord-content.ts";
import { DISCORD, isInteractionOver, isRefusal, UNKNOWN_MESSAGE } from "./discord-errors.ts";
import { isInGuild, userOf } from "./discord-message.ts";
import {
  createdAtMs,
  interactionOf,
  type OpenInteraction,
  webhookOf,
} from "./discord-open-interaction.ts";
import type { DiscordInteraction } from "./discord-payload.ts";
import { sentMessageId } from "./discord-sent.ts";

// https://docs.discord.com/developers/interactions/receiving-and-responding: within 15 min.
const TOKEN_MS = 15 * 60_000 - 20_000;
const UNANSWERED_MS = 14 * 60_000;
/** Somewhat longer than the core edits a message. */
const REMEMBERED_MS = 60 * 60_000;
const REMEMBERED_MAX = 10_000;

/** Stands where an answer never came; it has to be understood in every language. */
const NO_ANSWER = "⌛";

/**
 * The interactions that can still be answered. Each is acknowledged the moment it comes; the first
 * message sent to its chat takes the place of "thinking …", and for 15 minutes all edits of that
 * go by the interaction's own way, with limits of its own.
 */
export class DiscordInteractions {
  readonly #api: DiscordApi;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Oldest first. */
  readonly #open = new Map<string, OpenInteraction>();
  readonly #byMessage = new Map<string, OpenInteraction>();
  readonly #handling = new AsyncLocalStorage<OpenInteraction>();

  constructor(api: DiscordApi, clock: Clock, log: Logger) {
    this.#api = api;
    this.#clock = clock;
    this.#log = log;
  }

  /** Tells Discord at once that we have it; the answer may take minutes. */
  open(payload: DiscordInteraction, isEphemeral: boolean): OpenInteraction {
    return this.#add(payload, isEphemeral, () =>
      acknowledge(payload, isEphemeral, { api: this.#api, log: this.#log }),
    );
  }

  /** One that an earlier process acknowledged. */
  adopt(payload: DiscordInteraction, isEphemeral: boolean): OpenInteraction {
    return this.#add(payload, isEphemeral, () => Promise.resolve(true));
  }

  find(id: string): OpenInteraction | null {
    return this.#open.get(id) ?? null;
  }

  /** The one that a message of ours answers: named by its address, its target, or its chat. */
  findForSend(to: ChatAddress, replyTo: string | null): OpenInteraction | null {
    const id = interactionOf(to) ?? replyTo;
    if (id !== null) return this.#open.get(id) ?? null;
    for (const interaction of this.#open.values()) {
      const { isDirect, isTaken, payload } = interaction;
      const isHere = isDirect && payload.channel_id === to.channel && payload.type !== PRESS;
      if (isHere && !isTaken && this.#isUsable(interaction)) return interaction;
    }
    return null;
  }

  /** Whatever `handle` does belongs to this interaction, however many others are handled meanwhile. */
  async handle(interaction: OpenInteraction, handle: () => Promise<void>): Promise<void> {
    await this.#handling.run(interaction, handle);
    interaction.isHandled = true;
  }

  /** The one of this person that the caller handles, if nobody else sees its answer. */
  findPrivate(userId: string): OpenInteraction | null {
    const interaction = this.#handling.getStore();
    if (interaction === undefined || interaction.userId !== userId) return null;
    const isOpen = interaction.isEphemeral && !interaction.isHandled;
    return isOpen && this.#isUsable(interaction) ? interaction : null;
  }

  ofMessage(messageId: string): OpenInteraction | null {
    return this.#byMessage.get(messageId) ?? null;
  }

  /**
   * Answers it: first in the place of "thinking …", then by further messages. Resolves with the
   * message's id, or with `null` when it can no longer be answered. Throws what `DiscordApi` does.
   */
  async respond(
    interaction: OpenInteraction,
    body: MessageBody,
    files: DiscordCall["files"] = [],
  ): Promise<string | null> {
    const isFirst = !interaction.isTaken;
    interaction.isTaken = true;
    if (!(await interaction.acknowledged)) interaction.isOver = true;
    if (!this.#isUsable(interaction)) return null;
    const { payload, isEphemeral } = interaction;
    const root = webhookOf(payload);
    const flags = isEphemeral || payload.type === PRESS ? body.flags | ONLY_FOR_YOU : body.flags;
    const isReplacing = isFirst && payload.type !== PRESS;
    const target = isReplacing
      ? ({ method: "PATCH", route: `${root}/messages/@original`, body } as const)
      : ({ method: "POST", route: root, body: { ...body, flags } } as const);
    const withFiles = files.length === 0 ? {} : { files };
    try {
      const sent = await this.#api.call({ ...target, ...withFiles, isAuthorized: false });
      const id = sentMessageId(sent);
      this.#byMessage.set(id, interaction);
      if (isReplacing) interaction.responseId = id;
      return id;
    } catch (error) {
      if (isFirst) interaction.isTaken = false;
      if (!isInteractionOver(error)) throw error;
      interaction.isOver = true;
      return null;
    }
  }

  /** Throws `OutsideError("message_gone")` when its time is over. */
  async edit(interaction: OpenInteraction, messageId: string, body: MessageBody): Promise<void> {
    if (this.#isUsable(interaction)) {
      const route: `/${string}` = `${webhookOf(interaction.payload)}/messages/${messageId}`;
      try {
        await this.#api.call({ method: "PATCH", route, body, isAuthorized: false });
        return;
      } catch (error) {
        if (!isInteractionOver(error) || isRefusal(error, UNKNOWN_MESSAGE)) throw error;
        interaction.isOver = true;
      }
    }
    interaction.leftBehindId = messageId;
    throw new OutsideError(DISCORD, "message_gone");
  }

  async remove(interaction: OpenInteraction, messageId: string): Promise<void> {
    const route: `/${string}` = `${webhookOf(interaction.payload)}/messages/${messageId}`;
    await this.#api.call({ method: "DELETE", route, isAuthorized: false });
  }

  isUsableFor(messageId: string): boolean {
    const interaction = this.#byMessage.get(messageId);
    return interaction !== undefined && this.#isUsable(interaction);
  }

  /** It has been handled. With no answer to come, "thinking …" is taken away. Never throws. */
  async finish(interaction: OpenInteraction, isAnsweredAtOnce: boolean): Promise<void> {
    if (!isAnsweredAtOnce || interaction.isTaken || interaction.payload.type === PRESS) return;
    interaction.isTaken = true;
    if (!(await interaction.acknowledged)) return;
    try {
      await this.remove(interaction, "@original");
    } catch (error) {
      this.#log.debug({ err: error }, "silent interaction not taken away");
    }
  }

  /** Ends those that nobody answered, and forgets the old ones. Never throws. */
  async sweep(): Promise<void> {
    const nowMs = this.#clock.now().getTime();
    for (const [id, interaction] of this.#open) {
      const ageMs = nowMs - interaction.openedAtMs;
      const { isTaken, payload } = interaction;
      if (!isTaken && payload.type !== PRESS && ageMs >= UNANSWERED_MS)
        await this.#end(interaction);
      if (ageMs >= REMEMBERED_MS) this.#open.delete(id);
    }
    for (const [messageId, { openedAtMs }] of this.#byMessage) {
      if (nowMs - openedAtMs >= REMEMBERED_MS) this.#byMessage.delete(messageId);
    }
  }

  async #end(interaction: OpenInteraction): Promise<void> {
    this.#log.warn({ command: interaction.payload.data?.name }, "interaction never answered");
    const body: MessageBody = {
      content: NO_ANSWER,
      components: [],
      flags: 0,
      allowed_mentions: { parse: [], replied_user: false },
    };
    try {
      await this.respond(interaction, body);
    } catch (error) {
      this.#log.debug({ err: error }, "unanswered interaction not ended");
    }
    interaction.isTaken = true;
  }

  #add(
    payload: DiscordInteraction,
    isEphemeral: boolean,
    acknowledge: () => Promise<boolean>,
  ): OpenInteraction {
    const known = this.#open.get(payload.id);
    if (known !== undefined) return known;
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size >= REMEMBERED_MAX) this.#open.delete(oldest);
    const interaction: OpenInteraction = {
      payload,
      userId: userOf(payload)?.id ?? "",
      isDirect: !isInGuild(payload),
      isEphemeral,
      openedAtMs: Math.min(this.#clock.now().getTime(), createdAtMs(payload.id)),
      acknowledged: acknowledge(),
      isTaken: false,
      isHandled: false,
      isOver: false,
      responseId: null,
      leftBehindId: null,
    };
    this.#open.set(payload.id, interaction);
    return interaction;
  }

  #isUsable({ isOver, openedAtMs }: OpenInteraction): boolean {
    return !isOver && this.#clock.now().getTime() - openedAtMs < TOKEN_MS;
  }
}
