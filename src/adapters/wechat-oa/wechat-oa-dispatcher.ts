import { ZodError } from "zod";
import type { ChatHandlers } from "../../core/chat/chat-adapter.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { type MessageContext, parsePayload, type WechatOaEvent } from "./wechat-oa-message.ts";
import type { SendBudget } from "./wechat-oa-send-budget.ts";

export interface DispatcherOptions {
  readonly bot: string;
  readonly budget: SendBudget;
  readonly loadPicture: MessageContext["loadPicture"];
  readonly clock: Clock;
  readonly log: Logger;
}

/** Brings what WeChat tells us to the core. */
export class WechatOaDispatcher {
  readonly #options: DispatcherOptions;
  #handlers: ChatHandlers | null = null;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  set handlers(handlers: ChatHandlers) {
    this.#handlers = handlers;
  }

  /** Handles one message or event. Throws what the core throws. */
  async handle([payload]: readonly unknown[]): Promise<void> {
    const event = this.#parse(payload);
    const handlers = this.#handlers;
    if (event === null || handlers === null) return;
    const { budget } = this.#options;
    if (event.type === "left") {
      await budget.forget(event.openId);
      await handlers.onReachable(event.openId, false);
      return;
    }
    const { message, contact, isFollower } = event;
    const openId = message.sender.platformUserId;
    await budget.renew(openId, contact);
    if (isFollower) await handlers.onReachable(openId, true);
    await handlers.onMessage(message);
  }

  /** A failed send told us; never throws. */
  async tellUnreachable(openId: string): Promise<void> {
    try {
      await this.#handlers?.onReachable(openId, false);
    } catch (error) {
      this.#options.log.error({ err: error }, "news from sending not handled");
    }
  }

  #parse(payload: unknown): WechatOaEvent | null {
    const { bot, loadPicture, clock, log } = this.#options;
    try {
      return parsePayload(payload, { bot, loadPicture, now: clock.now() });
    } catch (error) {
      if (!(error instanceof ZodError)) throw error;
      const fields = error.issues.map(({ path }) => path.join("."));
      log.warn({ fields }, "message not understood");
      return null;
    }
  }
}
