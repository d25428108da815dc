import type { ChatHandlers } from "../../core/chat/chat-adapter.ts";
import type { IncomingMessage } from "../../core/chat/incoming-message.ts";
import type { Clock } from "../../core/clock.ts";
import { OutsideError, UserError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { attachmentsOf, readFileBox } from "./wechat-attachment.ts";
import { toOutsideError, WECHAT, within } from "./wechat-errors.ts";
import { chatAddress, WechatEvent, type WechatMessage } from "./wechat-event.ts";
import type { WechatSeats } from "./wechat-seats.ts";
import type { WechatSender } from "./wechat-sender.ts";

const LOAD_MS = 60_000;
const ACCEPT_MS = 15_000;

/** What the adapter itself says to people. */
export interface WechatTexts {
  /**
   * For somebody who sent us money, which we cannot take: how to recharge instead. The locale is
   * `null` because WeChat tells none.
   */
  transferAnswer(locale: string | null): string;
}

export interface DispatcherOptions {
  readonly bot: string;
  readonly seats: WechatSeats;
  readonly sender: WechatSender;
  readonly texts: WechatTexts;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Brings what people do to the core. */
export class WechatDispatcher {
  readonly #options: DispatcherOptions;
  #handlers: ChatHandlers | null = null;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  set handlers(handlers: ChatHandlers) {
    this.#handlers = handlers;
  }

  /** Handles one event. Throws what the core throws, and `OutsideError`. */
  async handle([payload]: readonly unknown[]): Promise<void> {
    const { data: event, error } = WechatEvent.safeParse(payload);
    const handlers = this.#handlers;
    if (error !== undefined) {
      const fields = error.issues.map(({ path }) => path.join("."));
      this.#options.log.warn({ fields }, "event not understood");
      return;
    }
    if (handlers === null) return;
    switch (event.kind) {
      case "message":
        return await handlers.onMessage(this.#incoming(event));
      case "money":
        return await this.#answerMoney(event.personId);
      case "friend_request":
        return await this.#acceptFriend(event.seat, event.id);
      case "new_friend":
        return await handlers.onMessage(this.#greeting(event));
      case "room_invitation":
        return await this.#acceptInvitation(event.seat, event.id);
    }
  }

  #incoming(event: WechatMessage): IncomingMessage {
    return {
      ...this.#envelope(event, event.roomId ?? event.personId),
      text: event.text,
      isDirect: event.roomId === null,
      quotedText: event.quotedText,
      attachments: attachmentsOf(event, (from, sizeBytesMax) => this.#load(from, sizeBytesMax)),
    };
  }

  /** Whoever becomes our friend is welcomed as if they had typed the command. */
  #greeting(event: Extract<WechatEvent, { readonly kind: "new_friend" }>): IncomingMessage {
    return {
      ...this.#envelope(event, event.personId),
      id: `friend:${event.id}`,
      text: "/start",
      isDirect: true,
      quotedText: null,
      attachments: [],
    };
  }

  #envelope(
    event: Pick<WechatMessage, "id" | "personId" | "personName" | "receivedAt">,
    channel: string,
  ) {
    return {
      id: event.id,
      address: chatAddress(channel, this.#options.bot),
      sender: {
        platformUserId: event.personId,
        displayName: event.personName,
        username: null,
        // WeChat tells none; who reads another language says so by /lang.
        locale: "zh",
      },
      isEdit: false,
      receivedAt: new Date(event.receivedAt),
    };
  }

  async #answerMoney(personId: string): Promise<void> {
    const { sender, texts, bot } = this.#options;
    const text = texts.transferAnswer(null);
    const message = { text, format: "plain", buttons: [], replyTo: null } as const;
    try {
      await sender.send(chatAddress(personId, bot), message);
    } catch (error) {
      // Nobody is left to be told.
      const isLasting = error instanceof OutsideError && !error.retryable;
      if (!isLasting) throw error;
    }
  }

  async #acceptFriend(seat: string, id: string): Promise<void> {
    await this.#accept(async () => {
      const { puppet } = this.#options.seats.findByName(seat).bot;
      await puppet.friendshipAccept(id);
    });
  }

  async #acceptInvitation(seat: string, id: string): Promise<void> {
    await this.#accept(async () => {
      const { puppet } = this.#options.seats.findByName(seat).bot;
      await puppet.roomInvitationAccept(id);
    });
  }

  async #accept(call: () => Promise<void>): Promise<void> {
    try {
      await within(this.#options.clock, ACCEPT_MS, call());
    } catch (error) {
      throw toOutsideError(error);
    }
  }

  /** The file itself stays with the puppet until it is wanted; a restart may make it forget. */
  async #load({ seat, id }: WechatMessage, sizeBytesMax: number): Promise<Uint8Array> {
    const { seats, clock } = this.#options;
    const fetch = async () => {
      const { bot } = seats.findByName(seat);
      const message = await bot.Message.find({ id });
      if (message === undefined) throw new OutsideError(WECHAT, "rejected");
      return await readFileBox(await message.toFileBox(), sizeBytesMax);
    };
    try {
      return await within(clock, LOAD_MS, fetch());
    } catch (error) {
      throw error instanceof UserError ? error : toOutsideError(error);
    }
  }
}
