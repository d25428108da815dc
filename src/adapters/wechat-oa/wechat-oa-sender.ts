import { randomUUID } from "node:crypto";
import type { OutgoingFile, OutgoingMessage, SentMessage } from "../../core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import type { WechatOaApi } from "./wechat-oa-api.ts";
import { fileMessages, toWechatText } from "./wechat-oa-content.ts";
import { CODE, isRefusal, toOutsideError, WECHAT_OA, WechatOaRefusal } from "./wechat-oa-errors.ts";
import type { PassiveReplies } from "./wechat-oa-passive.ts";
import type { SendBudget } from "./wechat-oa-send-budget.ts";
import type { ServiceRight } from "./wechat-oa-service-right.ts";

/** Later than this after a person was in touch, WeChat shows them no typing. */
const TYPING_AFTER_CONTACT_MS = 30_000;

export interface WechatOaSenderOptions {
  readonly api: WechatOaApi;
  readonly budget: SendBudget;
  readonly right: ServiceRight;
  readonly passive: PassiveReplies;
  readonly clock: Clock;
  /** The person cannot be written to any more. */
  readonly onUnreachable: (openId: string) => void;
}

/**
 * Sends: by itself where the account may, else as the answer to the request a message came with.
 * Counts before it sends. Throws `OutsideError` only.
 */
export class WechatOaSender {
  readonly #options: WechatOaSenderOptions;

  constructor(options: WechatOaSenderOptions) {
    this.#options = options;
  }

  async sendsLeft({ channel }: ChatAddress): Promise<number> {
    const { right, budget, passive } = this.#options;
    return right.isThere ? await budget.sendsLeft(channel) : passive.sendsLeft(channel);
  }

  async send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage> {
    await this.#sendText(to.channel, toWechatText(message));
    return { address: to, id: randomUUID() };
  }

  /** All of it, or nothing: "window_closed" when it needs more messages than there are left. */
  async sendFile(to: ChatAddress, file: OutgoingFile): Promise<SentMessage> {
    const texts = fileMessages(file);
    if (texts.length > (await this.sendsLeft(to))) {
      throw new OutsideError(WECHAT_OA, "window_closed");
    }
    for (const text of texts) {
      await this.#sendText(to.channel, toWechatText({ text, format: "plain" }));
    }
    return { address: to, id: randomUUID() };
  }

  async showTyping({ channel }: ChatAddress): Promise<void> {
    const { api, right, budget, clock } = this.#options;
    if (!right.isThere) return;
    const contactMs = await budget.lastContactMs(channel);
    if (contactMs === null || clock.now().getTime() - contactMs >= TYPING_AFTER_CONTACT_MS) return;
    try {
      await api.call("message/custom/typing", { touser: channel, command: "Typing" });
    } catch (error) {
      if (isRefusal(error, CODE.typingShown, CODE.typingTooLate, CODE.windowClosed)) return;
      throw toOutsideError(error);
    }
  }

  async #sendText(openId: string, text: string): Promise<void> {
    const { api, right, budget, passive } = this.#options;
    if (!right.isThere) {
      await passive.send(openId, text);
      return;
    }
    if (!(await budget.take(openId))) throw new OutsideError(WECHAT_OA, "window_closed");
    try {
      const message = { touser: openId, msgtype: "text", text: { content: text } };
      await api.call("message/custom/send", message);
    } catch (error) {
      await this.#learn(openId, error);
      throw toOutsideError(error);
    }
  }

  /** What a failed send tells about the person or the account. */
  async #learn(openId: string, error: unknown): Promise<void> {
    const { budget, right, onUnreachable } = this.#options;
    if (isRefusal(error, CODE.windowClosed, CODE.tooManySends)) {
      await budget.close(openId);
      return;
    }
    // Without an answer nobody knows whether it arrived, so it stays counted.
    if (!(error instanceof WechatOaRefusal)) return;
    await budget.giveBack(openId);
    if (isRefusal(error, CODE.noRight)) await right.lose();
    const outside = toOutsideError(error);
    if (outside instanceof OutsideError && outside.kind === "chat_gone") onUnreachable(openId);
  }
}
