import { OutsideError } from "../../../core/errors.ts";
import { WECHAT } from "../wechat-errors.ts";

/** The login of a bot is over; only a new scan helps. */
const STALE_TOKEN = -14;
/** Too many messages: a burst, or more than one message of the person allows. */
const THROTTLED = -2;

/**
 * iLink understood the call and refused it: HTTP 200 with a `ret` that is not 0. Stays inside the
 * puppet, which translates it by `toOutsideError`.
 */
export class IlinkRefusal extends Error {
  override readonly name = "IlinkRefusal";
  readonly code: number;

  constructor(call: string, code: number, text: string) {
    super(`${call}: ret ${code} ${text}`.trim());
    this.code = code;
  }

  get isStaleToken(): boolean {
    return this.code === STALE_TOKEN;
  }

  get isThrottled(): boolean {
    return this.code === THROTTLED;
  }
}

/** Nothing more may be sent until the person writes again. `code` says so to whoever knows no kinds. */
export class WindowClosedError extends OutsideError {
  readonly code = "window_closed";

  constructor(cause?: unknown) {
    super(WECHAT, "window_closed", { cause });
  }
}

/** The error that others may see. Whatever is no refusal passes through unchanged. */
export function toOutsideError(error: unknown): unknown {
  if (!(error instanceof IlinkRefusal)) return error;
  // Who signed out is written to again once they have signed in and written something.
  if (error.isThrottled || error.isStaleToken) return new WindowClosedError(error);
  return new OutsideError(WECHAT, "rejected", { cause: error });
}

const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Whether the call failed before anything of it left this machine. */
export function wasNeverSent(error: unknown): boolean {
  return (
    error instanceof OutsideError && NEVER_SENT.has((error.cause as Error | null)?.message ?? "")
  );
}

/** No answer came. Keeps the code of the failure alone: its text may hold an address. */
export function unanswered(timeout: AbortSignal, error: unknown): OutsideError {
  const code = errorCode(error) ?? errorCode((error as { cause?: unknown } | null)?.cause);
  const cause = code === null ? undefined : new Error(code);
  return new OutsideError(WECHAT, timeout.aborted ? "timeout" : "unreachable", { cause });
}

function errorCode(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
