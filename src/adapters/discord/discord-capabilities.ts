import type { ChatCapabilities, ChatPace } from "../../core/chat/chat-adapter.ts";
import { TEXT_LENGTH_MAX } from "./discord-content.ts";

/**
 * Discord keeps its limits to itself; what is observed is five messages and edits in five seconds
 * in one channel, direct or not. This is 2 + 3 in any five seconds, with time to spare for a late
 * packet; the headers of each answer still decide.
 * https://docs.discord.com/developers/topics/rate-limits
 */
const PACE: ChatPace = { burst: 2, refillMs: 1_300 };

/** What Discord allows. */
export const DISCORD_CAPABILITIES: ChatCapabilities = {
  textLengthMax: TEXT_LENGTH_MAX,
  textBytesMax: null,
  edit: {
    directIntervalMsMin: 1_200,
    groupIntervalMsMin: 1_200,
    // Messages older than an hour have an edit limit of their own, error 30046.
    // https://docs.discord.com/developers/topics/opcodes-and-status-codes
    windowMs: 55 * 60_000,
    style: "edit",
  },
  pace: { direct: PACE, group: PACE },
  // A little below the global limit of 50.
  // https://docs.discord.com/developers/topics/rate-limits#global-rate-limit
  callsPerSecondMax: 45,
  replyWindowMs: null,
  sendsPerMessageMax: null,
  // Shown for ten seconds. https://docs.discord.com/developers/resources/channel
  typingMs: 9_000,
  buttons: true,
  bursts: true,
  plainCommands: false,
  groups: true,
  recall: true,
  privateAnswers: true,
};
