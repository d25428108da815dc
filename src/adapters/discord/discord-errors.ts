import { OutsideError } from "../../core/errors.ts";

export const DISCORD = "discord";

// https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
export const UNKNOWN_MESSAGE = 10008;
export const THREAD_ARCHIVED = 50083;
const UNKNOWN_WEBHOOK = 10015;
const UNKNOWN_INTERACTION = 10062;
export const ALREADY_ACKNOWLEDGED = 40060;
const FOLLOW_UPS_USED_UP = 40094;
const INVALID_WEBHOOK_TOKEN = 50027;
const SLOW_MODE = 20016;
const CHANNEL_WRITE_LIMIT = 20028;
const OLD_MESSAGE_EDITS = 30046;
const NOT_OUR_MESSAGE = 50005;
const MISSING_ACCESS = 50001;
const NOT_IN_DIRECT_CHAT = 50003;
const MISSING_PERMISSION = 50013;
const SYSTEM_MESSAGE = 50021;
const CANNOT_DM = 50007;
const NO_COMMON_GUILD = 50278;

const MESSAGE_GONE = new Set([UNKNOWN_MESSAGE, OLD_MESSAGE_EDITS, NOT_OUR_MESSAGE]);
const INTERACTION_OVER = new Set([
  UNKNOWN_MESSAGE,
  UNKNOWN_WEBHOOK,
  UNKNOWN_INTERACTION,
  FOLLOW_UPS_USED_UP,
  INVALID_WEBHOOK_TOKEN,
]);
const CANNOT_DELETE = new Set([
  MISSING_ACCESS,
  NOT_IN_DIRECT_CHAT,
  MISSING_PERMISSION,
  SYSTEM_MESSAGE,
]);
const UNREACHABLE = new Set([CANNOT_DM, NO_COMMON_GUILD]);

/**
 * Discord understood the call and refused it. Stays inside the adapter, which translates it by
 * `toOutsideError`. Unlike the error of discord.js it does not carry what was sent.
 */
export class DiscordRefusal extends Error {
  override readonly name = "DiscordRefusal";
  readonly status: number;
  /** Discord's own error code; 0 when it gave none. */
  readonly code: number;

  constructor(status: number, code: number, description: string) {
    super(`${status} ${code} ${description}`);
    this.status = status;
    this.code = code;
  }
}

/** The error the core may see. Whatever is no refusal passes through unchanged. */
export function toOutsideError(error: unknown): unknown {
  if (!(error instanceof DiscordRefusal)) return error;
  return new OutsideError(DISCORD, kindOf(error), { cause: error });
}

/** The token of the interaction is used up, or its message is gone. */
export function isInteractionOver(error: unknown): boolean {
  return error instanceof DiscordRefusal && INTERACTION_OVER.has(error.code);
}

export function isDeletionForbidden(error: unknown): boolean {
  return error instanceof DiscordRefusal && CANNOT_DELETE.has(error.code);
}

/** The person takes no direct messages from us. */
export function isPersonUnreachable(error: unknown): boolean {
  return error instanceof DiscordRefusal && UNREACHABLE.has(error.code);
}

export function isRefusal(error: unknown, code: number): boolean {
  return error instanceof DiscordRefusal && error.code === code;
}

function kindOf({ status, code }: DiscordRefusal): OutsideError["kind"] {
  if (code === SLOW_MODE || code === CHANNEL_WRITE_LIMIT || status === 429) return "rate_limited";
  if (MESSAGE_GONE.has(code) || INTERACTION_OVER.has(code)) return "message_gone";
  if (status === 401) return "unauthorized";
  if (status === 403 && code === 200000) return "rejected";
  if (status === 403 || status === 404 || code === THREAD_ARCHIVED) return "chat_gone";
  if (UNREACHABLE.has(code)) return "chat_gone";
  return status >= 500 ? "overloaded" : "rejected";
}
