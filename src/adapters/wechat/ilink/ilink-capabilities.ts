import type { ChatCapabilities, ChatPace } from "../../../core/chat/chat-adapter.ts";

/** Three messages in one second are refused, so there is one. Reported by users of the API. */
export const SEND_INTERVAL_MS = 1_000;
/**
 * Users of the API count 10 for each message of the person; one is kept for what we cannot know of.
 * https://github.com/Tencent/openclaw-weixin/issues/202
 */
export const SENDS_PER_MESSAGE_MAX = 9;
/** https://github.com/Tencent/openclaw-weixin/issues/142 */
export const REPLY_WINDOW_MS = 24 * 60 * 60_000;
const PACE: ChatPace = { burst: 1, refillMs: SEND_INTERVAL_MS };

/**
 * What personal WeChat allows by iLink. Tencent publishes a client and no numbers: what it shows is
 * from the source of @tencent-weixin/openclaw-weixin 2.4.9, the rest from reports of its users.
 * https://github.com/Tencent/openclaw-weixin
 */
export const ILINK_CAPABILITIES: ChatCapabilities = {
  // Tencent's client cuts at 4,000 (`textChunkLimit`); half of that is read on a phone with ease.
  textLengthMax: 2_000,
  textBytesMax: null,
  // Messages in the state "generating" are never replaced by the finished one.
  edit: null,
  pace: { direct: PACE, group: PACE },
  // Each person has a bot of their own, and no limit for all together is known.
  callsPerSecondMax: Number.POSITIVE_INFINITY,
  replyWindowMs: REPLY_WINDOW_MS,
  sendsPerMessageMax: SENDS_PER_MESSAGE_MAX,
  // Tencent's client repeats it every 5 seconds.
  typingMs: 5_000,
  buttons: false,
  bursts: true,
  plainCommands: true,
  groups: false,
  recall: false,
  privateAnswers: false,
};
