import type { OutgoingFile, OutgoingMessage, SentMessage } from "../../core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { Sender } from "../../core/chat/incoming-message.ts";
import { countBytes } from "../../core/chat/text-limits.ts";
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import { createId } from "../../core/ids.ts";
import type { BotSource } from "./bot-source.ts";
import { toOutsideError, within } from "./wechat-errors.ts";
import { chatAddress } from "./wechat-event.ts";
import { loadWechatLibrary } from "./wechat-library.ts";
import { toPlainText } from "./wechat-markup.ts";
import type { ReadySeat, WechatSeats } from "./wechat-seats.ts";

const SEND_MS = 30_000;
const UPLOAD_MS = 60_000;
const LOOK_UP_MS = 5_000;
/** What WeChat itself writes behind a name, so that it shows as a mention. */
const MENTION_END = "\u2005";
/** WeChat refuses a message without a text. */
const NOTHING = "…";

export interface SenderOptions {
  readonly bot: string;
  readonly capabilities: BotSource["capabilities"];
  readonly seats: WechatSeats;
  readonly clock: Clock;
}

/** Sends through the bot that reaches the chat. Throws `OutsideError` only. */
export class WechatSender {
  readonly #options: SenderOptions;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  async send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage> {
    return await this.#guarded(SEND_MS, async () => {
      const { bot } = await this.#options.seats.find(to);
      const text = this.#render(message);
      const mention = await this.#mention(bot, to, message.replyTo);
      const named = mention === null ? text : `@${mention.name}${MENTION_END}${text}`;
      // The name is a courtesy; the answer must not be cut for it.
      const isNamed = mention !== null && this.#fits(named);
      const id = await bot.puppet.messageSendText(
        to.channel,
        isNamed ? named : text,
        isNamed ? [mention.personId] : [],
      );
      return this.#sent(to, id);
    });
  }

  async sendFile(to: ChatAddress, file: OutgoingFile): Promise<SentMessage> {
    return await this.#guarded(UPLOAD_MS, async () => {
      const { bot } = await this.#options.seats.find(to);
      const { FileBox } = await loadWechatLibrary();
      if (file.caption !== "") await bot.puppet.messageSendText(to.channel, file.caption, []);
      const name = file.name.replace(/[^\w.-]+/g, "_");
      const box = FileBox.fromBase64(
        Buffer.from(file.content).toString("base64"),
        /\.txt$/i.test(name) ? name : `${name}.txt`,
      );
      return this.#sent(to, await bot.puppet.messageSendFile(to.channel, box));
    });
  }

  /** The caption is a message of its own. */
  sendsForFile({ caption }: OutgoingFile): number {
    return caption === "" ? 1 : 2;
  }

  async showTyping(to: ChatAddress): Promise<void> {
    await this.#guarded(SEND_MS, async () => {
      const { seat } = await this.#options.seats.find(to);
      await seat.showTyping?.(to.channel);
    });
  }

  async sendsLeft(to: ChatAddress): Promise<number> {
    const { seats, capabilities } = this.#options;
    try {
      return await this.#guarded(LOOK_UP_MS, async () => {
        const { seat } = await seats.find(to);
        const countMax = capabilities.sendsPerMessageMax ?? Number.POSITIVE_INFINITY;
        return (await seat.sendsLeft?.(to.channel)) ?? countMax;
      });
    } catch (error) {
      if (error instanceof OutsideError && error.kind === "window_closed") return 0;
      throw error;
    }
  }

  /** `null` when the person is no friend of the bot: WeChat takes no message for them. */
  async openDirectChat({ platformUserId }: Sender): Promise<ChatAddress | null> {
    const { seats, bot: name } = this.#options;
    const address = chatAddress(platformUserId, name);
    return await this.#guarded(LOOK_UP_MS, async () => {
      const { seat, bot } = await seats.find(address);
      if (seat.personId !== null) return seat.personId === platformUserId ? address : null;
      const contact = await bot.Contact.find({ id: platformUserId });
      return contact?.friend() === true ? address : null;
    });
  }

  #render({ text, format }: OutgoingMessage): string {
    const plain = format === "markdown" ? toPlainText(text) : text;
    if (plain.trim() === "") return NOTHING;
    // What is drawn can be longer than its Markdown, which surely fits.
    return this.#fits(plain) ? plain : text;
  }

  #fits(text: string): boolean {
    const { textLengthMax, textBytesMax } = this.#options.capabilities;
    return text.length <= textLengthMax && countBytes(text) <= (textBytesMax ?? Infinity);
  }

  /** Whom an answer in a group is for; `null` in private, and when nobody knows any more. */
  async #mention(
    bot: ReadySeat["bot"],
    { channel }: ChatAddress,
    replyTo: string | null,
  ): Promise<{ readonly personId: string; readonly name: string } | null> {
    if (replyTo === null || !this.#options.capabilities.groups) return null;
    try {
      const message = await within(
        this.#options.clock,
        LOOK_UP_MS,
        bot.Message.find({ id: replyTo }),
      );
      const room = message?.room();
      if (message === undefined || room?.id !== channel) return null;
      const talker = message.talker();
      const alias = await room.alias(talker).catch(() => undefined);
      const name = alias === undefined || alias === "" ? talker.name() : alias;
      return name === "" ? null : { personId: talker.id, name };
    } catch {
      return null;
    }
  }

  /** Some puppets do not tell the id of what they sent; nothing is ever done with it. */
  #sent(to: ChatAddress, id: unknown): SentMessage {
    const known = typeof id === "string" && id !== "";
    return { address: to, id: known ? id : createId(this.#options.clock.now()) };
  }

  async #guarded<T>(limitMs: number, call: () => Promise<T>): Promise<T> {
    try {
      return await within(this.#options.clock, limitMs, call());
    } catch (error) {
      throw toOutsideError(error);
    }
  }
}
