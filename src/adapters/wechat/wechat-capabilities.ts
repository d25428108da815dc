import type { ChatCapabilities } from "../../core/chat/chat-adapter.ts";

/**
 * What a personal account allows that is operated from outside. WeChat publishes no limits for
 * that, so these are what a person could do without being conspicuous.
 */
export const ACCOUNT_CAPABILITIES: ChatCapabilities = {
  // The input field takes about 2,000 characters; the rest is for the name in front of an answer.
  textLengthMax: 1_900,
  textBytesMax: null,
  edit: null,
  pace: {
    direct: { burst: 3, refillMs: 1_500 },
    group: { burst: 2, refillMs: 3_000 },
  },
  callsPerSecondMax: 2,
  replyWindowMs: null,
  sendsPerMessageMax: null,
  typingMs: null,
  buttons: false,
  bursts: true,
  plainCommands: true,
  groups: true,
  // Nobody can take back what somebody else wrote.
  recall: false,
  // Members of a group are often no friends of ours, and then a private message is refused.
  privateAnswers: false,
};
