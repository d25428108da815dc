import type { Clock } from "../../core/clock.ts";
import { OutsideError, type OutsideErrorKind } from "../../core/errors.ts";

export const WECHAT = "wechat";

/** What a puppet throws when nothing more may be sent until the person writes again. */
const WINDOW_CLOSED = "window_closed";

// https://grpc.github.io/grpc/core/md_doc_statuscodes.html
const GRPC_KINDS: Readonly<Record<number, OutsideErrorKind>> = {
  3: "rejected",
  4: "timeout",
  5: "chat_gone",
  7: "unauthorized",
  8: "rate_limited",
  12: "rejected",
  14: "unreachable",
  16: "unauthorized",
};

/** Puppets have no codes of their own, so their sentences have to do. */
const SENTENCES: readonly (readonly [RegExp, OutsideErrorKind])[] = [
  [/not logged ?in|logged ?out|NO CLIENT|no grpc manager|NOPUPPET|offline/i, "unreachable"],
  [/unsupported|not supported|not implemented/i, "rejected"],
  [/too (fast|many|frequent)|rate.?limit|频繁/i, "rate_limited"],
  [/not (a |your )?friend|blocked|not in (the |this )?room|不是.{0,6}好友|拉黑/i, "chat_gone"],
  [/timeout|timed out/i, "timeout"],
  [/UNAVAILABLE|ECONNRE|ENOTFOUND|ETIMEDOUT|EPIPE/, "unreachable"],
];

/**
 * The error the core may see. A failure without a known reason counts as a passing one: an
 * answer that was paid for is worth another try.
 */
export function toOutsideError(error: unknown): OutsideError {
  if (error instanceof OutsideError) return error;
  return new OutsideError(WECHAT, kindOf(error), { cause: error });
}

/** Waits so long for a library that may never answer; then throws an `OutsideError` "timeout". */
export async function within<T>(clock: Clock, limitMs: number, work: Promise<T>): Promise<T> {
  const settled = new AbortController();
  const late = clock.sleep(limitMs, settled.signal).then(() => {
    throw new OutsideError(WECHAT, "timeout");
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    // Ends the sleep; what it then throws goes nowhere, because the race is over.
    settled.abort();
  }
}

/** What the log may say of an error: neither tokens nor texts of people, which come in quotes. */
export function describeFault(error: unknown): { readonly code: string; readonly fault: string } {
  const { code, message } = readError(error);
  const fault = message.split("\n", 1)[0] ?? "";
  return {
    code: String(code ?? ""),
    fault: fault.replace(/"[^"]*"?|'[^']*'?|「[^」]*」?/g, '"…"').slice(0, 200),
  };
}

/** The peer at the other end does not accept our token. */
export function isTokenRefused(error: unknown): boolean {
  const { code, message } = readError(error);
  return code === 16 || message.includes("UNAUTHENTICATED");
}

function kindOf(error: unknown): OutsideErrorKind {
  const { code, message } = readError(error);
  if (code === WINDOW_CLOSED) return WINDOW_CLOSED;
  const known = typeof code === "number" ? GRPC_KINDS[code] : undefined;
  if (known !== undefined) return known;
  return SENTENCES.find(([sentence]) => sentence.test(message))?.[1] ?? "overloaded";
}

function readError(error: unknown): { readonly code: unknown; readonly message: string } {
  if (typeof error !== "object" || error === null) return { code: null, message: String(error) };
  const code = "code" in error ? error.code : null;
  const message = "message" in error ? String(error.message) : "";
  return { code, message };
}
