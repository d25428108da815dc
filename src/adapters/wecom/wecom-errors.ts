import { OutsideError } from "../../core/errors.ts";

export const WECOM = "wecom";

// The codes below are not on the page of the protocol; they are what its users report, e.g. in
// https://github.com/sunnoy/openclaw-plugin-wecom/issues/107.
const INVALID_REQUEST_ID = 846605;
const TOO_OFTEN = 846607;
const STREAM_EXPIRED = 846608;
export const CREDENTIALS_REFUSED = 853000;
// https://developer.work.weixin.qq.com/document/path/90313
const SYSTEM_BUSY = -1;
const API_TOO_OFTEN = 45009;

/** WeCom counts by the minute and does not say how long to wait: a third of it frees a third. */
const TOO_OFTEN_PAUSE_MS = 20_000;

/**
 * The error the core may see, made of what the client library rejects with: an answer of WeCom
 * with its `errcode`, or an `Error` of its own. What was sent is in none of them.
 */
export function toOutsideError(error: unknown): OutsideError {
  if (error instanceof OutsideError) return error;
  const code = errorCode(error);
  const cause = new Error(describe(error));
  if (code !== null) {
    const kind = kindOf(code);
    const retryAfterMs = kind === "rate_limited" ? TOO_OFTEN_PAUSE_MS : undefined;
    return new OutsideError(WECOM, kind, { retryAfterMs, cause });
  }
  if (isAckTimeout(error)) return new OutsideError(WECOM, "timeout", { cause });
  const isQueueFull = /exceeds max size/.test(cause.message);
  return new OutsideError(WECOM, isQueueFull ? "overloaded" : "unreachable", { cause });
}

/** The message can no longer be answered or changed in place. */
export function isOver(error: unknown): boolean {
  return error instanceof OutsideError && error.kind === "message_gone";
}

/** WeCom did not confirm in time. */
export function isAckTimeout(error: unknown): boolean {
  return error instanceof Error && /ack timeout/i.test(error.message);
}

/** WeCom's own error code; `null` when the library failed by itself. */
export function errorCode(error: unknown): number | null {
  if (typeof error !== "object" || error === null) return null;
  if ("errcode" in error && typeof error.errcode === "number") return error.errcode;
  // The library puts the answer of WeCom into the texts of some of its errors.
  const text = error instanceof Error ? error.message : "";
  const found = /\(code: (-?\d+)\)|"errcode":(-?\d+)/.exec(text);
  return found === null ? null : Number(found[1] ?? found[2]);
}

function kindOf(code: number): OutsideError["kind"] {
  switch (code) {
    case INVALID_REQUEST_ID:
    case STREAM_EXPIRED:
      return "message_gone";
    case TOO_OFTEN:
    case API_TOO_OFTEN:
      return "rate_limited";
    case CREDENTIALS_REFUSED:
      return "unauthorized";
    case SYSTEM_BUSY:
      return "overloaded";
    default:
      return "rejected";
  }
}

function describe(error: unknown): string {
  if (error instanceof Error) return error.message;
  const code = errorCode(error);
  if (code === null || typeof error !== "object" || error === null) return "unknown";
  const message = "errmsg" in error && typeof error.errmsg === "string" ? error.errmsg : "";
  return `${code} ${message}`;
}
