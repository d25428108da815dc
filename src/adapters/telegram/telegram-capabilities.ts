import type { ChatCapabilities } from "../../core/chat/chat-adapter.ts";
import { TEXT_LENGTH_MAX } from "./telegram-content.ts";

/** What Telegram allows, a little below its limits so that a late packet does not exceed them. */
export const TELEGRAM_CAPABILITIES: ChatCapabilities = {
  textLengthMax: TEXT_LENGTH_MAX,
  textBytesMax: null,
  // One message a second in a chat, 20 a minute in a group, and an edit counts as a message.
  // https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
  // https://grammy.dev/advanced/flood
  edit: { directIntervalMsMin: 1_100, groupIntervalMsMin: 3_100, windowMs: null, style: "edit" },
  pace: {
    direct: { burst: 4, refillMs: 1_000 },
    // At most 3 + 17 in any minute.
    group: { burst: 3, refillMs: 3_500 },
  },
  // https://core.telegram.org/bots/faq#broadcasting-to-users
  callsPerSecondMax: 30,
  replyWindowMs: null,
  sendsPerMessageMax: null,
  // https://core.telegram.org/bots/api#sendchataction: shown for 5 seconds or less.
  typingMs: 5_000,
  buttons: true,
  bursts: true,
  plainCommands: false,
  groups: true,
  recall: true,
  privateAnswers: true,
};
