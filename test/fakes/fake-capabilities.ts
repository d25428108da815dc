import type { ChatCapabilities } from "../../src/core/chat/chat-adapter.ts";

/** A platform much like Telegram. */
export const FAKE_CAPABILITIES: ChatCapabilities = {
  textLengthMax: 4096,
  textBytesMax: null,
  edit: { directIntervalMsMin: 1000, groupIntervalMsMin: 3000, windowMs: null, style: "edit" },
  pace: { direct: { burst: 3, refillMs: 1000 }, group: { burst: 2, refillMs: 3160 } },
  callsPerSecondMax: Number.POSITIVE_INFINITY,
  replyWindowMs: null,
  sendsPerMessageMax: null,
  typingMs: 5000,
  buttons: true,
  bursts: false,
  plainCommands: false,
  groups: true,
  recall: true,
  privateAnswers: true,
};
