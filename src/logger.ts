import { pino } from "pino";
import type { Logger } from "./core/log.ts";

/** Fields that must never be written, wherever they stand: a second line of defence. */
const SECRET_FIELDS = [
  "text",
  "content",
  "prompt",
  "code",
  "codes",
  "token",
  "botToken",
  "apiKey",
  "key",
  "keys",
  "authorization",
  "cookie",
  "password",
  "secret",
  "body",
  "payload",
  "headers",
];

/** The program's log: one JSON line an event, to standard error so that it never mixes with the banner. */
export function createLogger(level: string, destination: { write(line: string): void }): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        // "code" of an error or of a refusal is a short word of ours or of a protocol: kept.
        paths: SECRET_FIELDS.filter((field) => field !== "code").flatMap((field) => [
          field,
          `*.${field}`,
        ]),
        censor: "[redacted]",
      },
      serializers: { err: describeError },
    },
    destination,
  );
}

const CAUSES_MAX = 4;

/** Name, message, code and stack, and the same of its causes; nothing else an error may carry. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    stack: error.stack,
    ...(error.cause === undefined || depth >= CAUSES_MAX
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}
