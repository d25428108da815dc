import type { OutgoingFile, OutgoingMessage, SentMessage } from "../../core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { Sender } from "../../core/chat/incoming-message.ts";
import { OutsideError } from "../../core/errors.ts";
import type { DiscordApi, DiscordCall } from "./discord-api.ts";
import { type MessageBody, messageBody } from "./discord-content.ts";
import type { DiscordDirectChats } from "./discord-direct-chats.ts";
import {
  DISCORD,
  isDeletionForbidden,
  isInteractionOver,
  isPersonUnreachable,
  isRefusal,
  THREAD_ARCHIVED,
  toOutsideError,
  UNKNOWN_MESSAGE,
} from "./discord-errors.ts";
import type { DiscordInteractions } from "./discord-interactions.ts";
import { chatAddress } from "./discord-message.ts";
import { interactionOf, type OpenInteraction, privateAddress } from "./discord-open-interaction.ts";
import { sentMessageId } from "./discord-sent.ts";

export interface SenderOptions {
  readonly api: DiscordApi;
  readonly bot: string;
  readonly interactions: DiscordInteractions;
  readonly directChats: DiscordDirectChats;
  readonly onUnreachable: (userId: string) => void;
}

/**
 * Sends and edits, by way of the interaction that is answered where there is one and by the
 * channel otherwise. Throws `OutsideError` only.
 */
export class DiscordSender {
  readonly #options: SenderOptions;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  async send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage> {
    return await this.#sendBody(to, messageBody(message), message.replyTo);
  }

  async sendFile(to: ChatAddress, file: OutgoingFile): Promise<SentMessage> {
    const name = file.name.replace(/[^\w.-]+/g, "_");
    const files = [{ name, data: Buffer.from(file.content) }];
    const body = messageBody({ text: file.caption, format: "plain", buttons: [] });
    return await this.#sendBody(to, body, null, files);
  }

  async edit({ address, id }: SentMessage, message: OutgoingMessage): Promise<void> {
    const body = messageBody(message);
    const interaction = this.#options.interactions.ofMessage(id);
    await this.#guarded(address, async () => {
      if (interaction !== null) return this.#options.interactions.edit(interaction, id, body);
      // Only its interaction could reach it, and that is forgotten.
      if (interactionOf(address) !== null) throw new OutsideError(DISCORD, "message_gone");
      const route: `/${string}` = `/channels/${address.channel}/messages/${id}`;
      await this.#inOpenThread(address.channel, { method: "PATCH", route, body });
    });
  }

  async showTyping(to: ChatAddress): Promise<void> {
    // Discord itself shows that an interaction is being worked on.
    if (interactionOf(to) !== null) return;
    await this.#guarded(to, () =>
      this.#options.api.call({ method: "POST", route: `/channels/${to.channel}/typing` }),
    );
  }

  async deleteMessage(address: ChatAddress, messageId: string): Promise<boolean> {
    const { api, interactions } = this.#options;
    // Nobody but the person sees what they typed into a command that is answered in private.
    if (interactions.find(messageId) !== null) return true;
    return await this.#guarded(address, async () => {
      try {
        const interaction = interactions.ofMessage(messageId);
        if (interaction !== null && interactions.isUsableFor(messageId)) {
          await interactions.remove(interaction, messageId);
        } else {
          const route: `/${string}` = `/channels/${address.channel}/messages/${messageId}`;
          await api.call({ method: "DELETE", route });
        }
        return true;
      } catch (error) {
        if (isRefusal(error, UNKNOWN_MESSAGE)) return true;
        if (isDeletionForbidden(error) || isInteractionOver(error)) return false;
        throw error;
      }
    });
  }

  async openDirectChat({ platformUserId }: Sender): Promise<ChatAddress | null> {
    const { bot, interactions, directChats } = this.#options;
    const interaction = interactions.findPrivate(platformUserId);
    if (interaction !== null) return privateAddress(interaction, bot);
    const channel = await directChats.open(platformUserId);
    return channel === null ? null : chatAddress(channel, bot);
  }

  async #sendBody(
    to: ChatAddress,
    body: MessageBody,
    replyTo: string | null,
    files: DiscordCall["files"] = [],
  ): Promise<SentMessage> {
    const { interactions } = this.#options;
    const interaction = interactions.findForSend(to, replyTo);
    if (interaction !== null) {
      const sent = await this.#guarded(to, () => this.#respond(interaction, to, body, files));
      if (sent !== null) return sent;
    }
    const address = await this.#channelOf(to, interaction);
    const reference = /^\d{17,20}$/.test(replyTo ?? "") && interaction === null ? replyTo : null;
    const sent = await this.#guarded(address, async () => {
      const answer = await this.#inOpenThread(address.channel, {
        method: "POST",
        route: `/channels/${address.channel}/messages`,
        body: {
          ...body,
          ...(reference !== null && {
            message_reference: { message_id: reference, fail_if_not_exists: false },
          }),
        },
        ...(files.length > 0 && { files }),
      });
      return { address, id: sentMessageId(answer) };
    });
    if (interaction !== null) await this.#clearUp(interaction, to);
    return sent;
  }

  /** The answer stands in a new message, so the half of it that can no longer be edited goes. */
  async #clearUp(interaction: OpenInteraction, { channel }: ChatAddress): Promise<void> {
    const { isEphemeral, leftBehindId } = interaction;
    // What only the person sees goes by itself, and nobody else can take it away.
    if (isEphemeral || leftBehindId === null) return;
    interaction.leftBehindId = null;
    const route: `/${string}` = `/channels/${channel}/messages/${leftBehindId}`;
    try {
      await this.#options.api.call({ method: "DELETE", route });
    } catch {
      // The answer has arrived; half of it twice is better than an error.
    }
  }

  /** `null` when the message has to go another way. */
  async #respond(
    interaction: OpenInteraction,
    to: ChatAddress,
    body: MessageBody,
    files: DiscordCall["files"],
  ): Promise<SentMessage | null> {
    const { bot, interactions } = this.#options;
    const isPublic = interactionOf(to) === null;
    const { isEphemeral, responseId } = interaction;
    const address = isEphemeral ? privateAddress(interaction, bot) : to;
    // What the channel would be told beside a private answer is for people who saw the question.
    // Here nobody did, and the one who asked has read the answer itself.
    if (isEphemeral && isPublic && responseId !== null) return { address, id: responseId };
    // Everything after the answer is a message of its own.
    if (!isEphemeral && interaction.isTaken) return null;
    const id = await interactions.respond(interaction, body, files);
    return id === null ? null : { address, id };
  }

  /** Where a message goes that no interaction takes. */
  async #channelOf(to: ChatAddress, interaction: OpenInteraction | null): Promise<ChatAddress> {
    const { bot, directChats } = this.#options;
    const isPrivate = interactionOf(to) !== null || interaction?.isEphemeral === true;
    if (!isPrivate) return to;
    const channel = interaction === null ? null : await directChats.open(interaction.userId);
    if (channel === null) throw new OutsideError(DISCORD, "chat_gone");
    return chatAddress(channel, bot);
  }

  /** A thread falls asleep after some days of silence and has to be woken. */
  async #inOpenThread(channel: string, call: DiscordCall): Promise<unknown> {
    const { api } = this.#options;
    try {
      return await api.call(call);
    } catch (error) {
      if (!isRefusal(error, THREAD_ARCHIVED)) throw error;
      const body = { archived: false };
      await api.call({ method: "PATCH", route: `/channels/${channel}`, body });
      return await api.call(call);
    }
  }

  async #guarded<T>(address: ChatAddress, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      const person = this.#options.directChats.personOf(address.channel);
      if (person !== null && isPersonUnreachable(error)) this.#options.onUnreachable(person);
      throw toOutsideError(error);
    }
  }
}
