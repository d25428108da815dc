import type { ChatCapabilities } from "../../core/chat/chat-adapter.ts";

/** How long the page shows one typing signal. */
export const TYPING_MS = 5_000;

/** What our own page allows: nearly everything, at any speed a browser can show. */
export const WEB_CAPABILITIES: ChatCapabilities = {
  textLengthMax: 100_000,
  textBytesMax: null,
  edit: { directIntervalMsMin: 60, groupIntervalMsMin: 60, windowMs: null, style: "edit" },
  pace: { direct: { burst: 50, refillMs: 20 }, group: { burst: 50, refillMs: 20 } },
  callsPerSecondMax: Number.POSITIVE_INFINITY,
  replyWindowMs: null,
  sendsPerMessageMax: null,
  typingMs: TYPING_MS,
  buttons: true,
  bursts: false,
  plainCommands: false,
  groups: false,
  recall: true,
  privateAnswers: false,
};
