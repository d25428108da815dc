import type { ChatCapabilities } from "../../core/chat/chat-adapter.ts";
import { CONTACT_RULES } from "./wechat-oa-send-budget.ts";

/**
 * Below the 2,048 bytes of a text message, so that formatting may add a little.
 * https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
 */
const TEXT_BYTES_MAX = 2_000;
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Passive_user_reply_message.html
const ATTEMPTS_MS = 14_500;

/** An account that may write by itself after a person wrote: customer-service messages. */
export const CUSTOMER_SERVICE_CAPABILITIES: ChatCapabilities = {
  textLengthMax: TEXT_BYTES_MAX,
  textBytesMax: TEXT_BYTES_MAX,
  edit: null,
  pace: {
    direct: { burst: CONTACT_RULES.message.sendsMax, refillMs: 1_000 },
    group: { burst: 1, refillMs: 1_000 },
  },
  callsPerSecondMax: 50,
  replyWindowMs: CONTACT_RULES.message.windowMs,
  sendsPerMessageMax: CONTACT_RULES.message.sendsMax,
  // https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
  typingMs: 15_000,
  buttons: false,
  bursts: true,
  plainCommands: true,
  groups: false,
  recall: false,
  privateAnswers: false,
};

/** An account that can only answer the very request a message came with. */
export const PASSIVE_CAPABILITIES: ChatCapabilities = {
  ...CUSTOMER_SERVICE_CAPABILITIES,
  replyWindowMs: ATTEMPTS_MS,
  sendsPerMessageMax: 1,
  typingMs: null,
  // Every message has an answer of its own, and no time to wait for the next.
  bursts: false,
};
