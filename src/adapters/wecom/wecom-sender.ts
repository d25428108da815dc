import { randomUUID } from "node:crypto";
import type { WSClient } from "@wecom/aibot-node-sdk";
import type { OutgoingFile, OutgoingMessage, SentMessage } from "../../core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import { isAckTimeout, isOver, toOutsideError, WECOM } from "./wecom-errors.ts";
import type { WecomLink } from "./wecom-link.ts";
import { shownText } from "./wecom-markup.ts";
import type { OpenRequest, WecomRequests } from "./wecom-requests.ts";
import { markOf, readMessageId, streamIdOf, streamMessageId, textMessageId } from "./wecom-sent.ts";
import { WecomStreams } from "./wecom-streams.ts";

export interface SenderOptions {
  readonly link: WecomLink;
  readonly requests: WecomRequests;
  readonly clock: Clock;
}

/**
 * Answers by a stream where there is a message that waits for one, and sends a message of its own
 * otherwise. Throws `OutsideError` only.
 */
export class WecomSender {
  readonly #options: SenderOptions;
  readonly #streams: WecomStreams;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#streams = new WecomStreams(options.clock);
  }

  async send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage> {
    const text = shownText(message.text);
    const isDraft = message.isDraft === true;
    const request = this.#requestFor(to, message);
    if (request !== null && (await this.#answer(request, text, isDraft))) {
      return { address: to, id: streamMessageId(request.reqId) };
    }
    // What cannot be changed later must not be sent unfinished. The final text will be.
    if (isDraft) throw new OutsideError(WECOM, "rejected");
    await this.#call((client) =>
      client.sendMessage(to.channel, { msgtype: "markdown", markdown: { content: text } }),
    );
    return { address: to, id: textMessageId(text) };
  }

  async edit({ address, id }: SentMessage, message: OutgoingMessage): Promise<void> {
    const text = shownText(message.text);
    const sent = readMessageId(id);
    if (sent?.type === "text" && sent.mark === markOf(text)) return;
    if (sent?.type !== "stream") throw new OutsideError(WECOM, "message_gone");
    const state = this.#streams.stateOf(sent.reqId, text);
    if (state === "says so") return;
    if (state !== "open") throw new OutsideError(WECOM, "message_gone");
    await this.#write(sent.reqId, address.channel, text, message.isDraft !== true);
  }

  async sendFile(to: ChatAddress, file: OutgoingFile): Promise<SentMessage> {
    const filename = file.name.replace(/[^\w.-]+/g, "_");
    const { media_id: mediaId } = await this.#call(
      (client) => client.uploadMedia(Buffer.from(file.content), { type: "file", filename }),
      // An upload is many calls and slow ones among them.
      { mayDrop: false },
    );
    if (file.caption !== "") {
      await this.send(to, { text: file.caption, format: "plain", buttons: [], replyTo: null });
    }
    await this.#call((client) => client.sendMediaMessage(to.channel, "file", mediaId));
    return { address: to, id: `file:${randomUUID()}` };
  }

  #requestFor(to: ChatAddress, message: OutgoingMessage): OpenRequest | null {
    const { requests } = this.#options;
    const isFurther = message.isDraft === true && message.replyTo === null;
    // A second message of the same answer must not take the place of the answer after it.
    if (isFurther && this.#streams.isWritingIn(to.channel)) return null;
    return requests.find(to.channel, message);
  }

  /** `false` when that message takes no answer any more. */
  async #answer(request: OpenRequest, text: string, isDraft: boolean): Promise<boolean> {
    const { requests } = this.#options;
    requests.markTried(request);
    try {
      await this.#write(request.reqId, request.channel, text, !isDraft);
    } catch (error) {
      if (!isOver(error)) throw error;
      requests.spend(request);
      return false;
    }
    requests.spend(request);
    return true;
  }

  async #write(reqId: string, channel: string, text: string, isFinal: boolean): Promise<void> {
    try {
      await this.#call((client) =>
        client.replyStream({ headers: { req_id: reqId } }, streamIdOf(reqId), text, isFinal),
      );
    } catch (error) {
      if (isOver(error)) this.#streams.forget(reqId);
      throw error;
    }
    this.#streams.wrote(reqId, channel, text, isFinal);
  }

  async #call<T>(
    make: (client: WSClient) => Promise<T>,
    { mayDrop } = { mayDrop: true },
  ): Promise<T> {
    const { link } = this.#options;
    try {
      return await make(link.client);
    } catch (error) {
      // The library would take a late confirmation for that of the next call; and what confirms
      // nothing for five seconds is most likely a dead connection.
      if (mayDrop && isAckTimeout(error)) link.drop();
      throw toOutsideError(error);
    }
  }
}
