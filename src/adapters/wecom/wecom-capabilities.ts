import type { ChatCapabilities, ChatPace } from "../../core/chat/chat-adapter.ts";
import { TEXT_BYTES_MAX } from "./wecom-markup.ts";

/**
 * All that is sent to one chat counts together: 30 a minute, 1000 an hour. Whether each update of
 * a stream counts is not said, so all do: in any minute there are at most 3 + 60 / 2.25 < 30.
 * https://developer.work.weixin.qq.com/document/path/101463
 */
const PACE: ChatPace = { burst: 3, refillMs: 2_250 };

/** What smart bots of WeCom (企业微信智能机器人) may do. */
export const WECOM_CAPABILITIES: ChatCapabilities = {
  textLengthMax: TEXT_BYTES_MAX,
  textBytesMax: TEXT_BYTES_MAX,
  edit: {
    directIntervalMsMin: 1_000,
    groupIntervalMsMin: 1_000,
    // A stream has to be finished within six minutes of its first piece.
    // https://developer.work.weixin.qq.com/document/path/101463
    windowMs: 5 * 60_000 + 45_000,
    style: "stream",
  },
  pace: { direct: PACE, group: PACE },
  // No limit for all chats together is documented; everything goes over one connection.
  callsPerSecondMax: 30,
  // A question may be answered for 24 hours; what comes later is sent as a message of its own,
  // which is allowed to whoever has written once.
  replyWindowMs: null,
  sendsPerMessageMax: null,
  // An open stream itself shows that somebody writes.
  typingMs: null,
  // Buttons exist only on cards, and a stream and a card cannot be one message on this connection.
  // https://developer.work.weixin.qq.com/document/path/101463
  buttons: false,
  bursts: true,
  plainCommands: true,
  groups: true,
  recall: false,
  privateAnswers: true,
};
