import { z } from "zod";
import type { ReplyProgress } from "../core/reply-feed.ts";

/** The longest JSON escape of one code unit is "\\u0000". */
const CODE_UNIT_BYTES_MAX = 6;
/** Texts that wait for their rest; the oldest is dropped when a sender dies in the middle of many. */
const OPEN_TEXTS_MAX = 1_000;

const Common = { origin: z.string(), replyId: z.string() };
const ProgressMessage = z.discriminatedUnion("type", [
  z.object({
    ...Common,
    type: z.literal("started"),
    bot: z.object({ platform: z.string(), bot: z.string() }),
  }),
  z.object({
    ...Common,
    type: z.literal("text"),
    bot: z.object({ platform: z.string(), bot: z.string() }),
    attempt: z.number(),
    offset: z.number(),
    text: z.string(),
    /** The text goes on in the next message. */
    more: z.boolean().optional(),
  }),
]);
const StopMessage = z.object(Common);

type TextProgress = Extract<ReplyProgress, { type: "text" }>;

export function encodeStop(origin: string, replyId: string): string {
  return JSON.stringify({ origin, replyId });
}

/** The reply to stop; `null` when it is our own message, or none. */
export function decodeStop(origin: string, payload: string): string | null {
  const parsed = StopMessage.safeParse(parseJson(payload));
  return parsed.success && parsed.data.origin !== origin ? parsed.data.replyId : null;
}

/** As many messages as it takes for none to have more than `bytesMax` bytes. */
export function encodeProgress(
  origin: string,
  progress: ReplyProgress,
  bytesMax: number,
): string[] {
  const whole = JSON.stringify({ origin, ...progress });
  if (progress.type === "started" || Buffer.byteLength(whole) <= bytesMax) return [whole];

  const longest = { origin, ...progress, text: "", more: true };
  longest.offset += progress.text.length;
  const pieceBytesMax = bytesMax - Buffer.byteLength(JSON.stringify(longest));
  const pieces = splitByBytes(progress.text, Math.max(pieceBytesMax, 2 * CODE_UNIT_BYTES_MAX));
  let offset = progress.offset;
  return pieces.map((text, index) => {
    const more = index < pieces.length - 1;
    const payload = JSON.stringify({ origin, ...progress, offset, text, more });
    offset += text.length;
    return payload;
  });
}

/**
 * Turns messages back into progress. A text that came in pieces appears only when it is whole:
 * shown piece by piece, a long answer would shrink and grow again on the screen.
 */
export class ProgressDecoder {
  readonly #origin: string;
  readonly #open = new Map<string, TextProgress>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** `null` for our own message, for a piece that is not the last, and for what is no progress. */
  decode(payload: string): ReplyProgress | null {
    const parsed = ProgressMessage.safeParse(parseJson(payload));
    if (!parsed.success || parsed.data.origin === this.#origin) return null;
    const { origin, ...message } = parsed.data;
    if (message.type === "started") return message;
    const { more = null, ...piece } = message;
    return more === null ? piece : this.#join(`${origin} ${piece.replyId}`, piece, more);
  }

  #join(key: string, piece: TextProgress, more: boolean): TextProgress | null {
    const open = this.#open.get(key);
    this.#open.delete(key);
    const isNext =
      open?.attempt === piece.attempt && open.offset + open.text.length === piece.offset;
    const joined = open !== undefined && isNext ? { ...open, text: open.text + piece.text } : piece;
    if (!more) return joined;
    this.#open.set(key, joined);
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_TEXTS_MAX && oldest !== undefined) this.#open.delete(oldest);
    return null;
  }
}

/** Cuts between code points, so that no piece has more than `bytesMax` bytes as JSON. */
function splitByBytes(text: string, bytesMax: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  let bytes = 0;
  for (let position = 0; position < text.length; ) {
    const codePoint = text.codePointAt(position) ?? 0;
    const size = jsonBytes(codePoint);
    if (bytes + size > bytesMax) {
      pieces.push(text.slice(start, position));
      start = position;
      bytes = 0;
    }
    bytes += size;
    position += codePoint > 0xffff ? 2 : 1;
  }
  pieces.push(text.slice(start));
  return pieces;
}

/** What `JSON.stringify` makes of a code point, in bytes of UTF-8. */
function jsonBytes(codePoint: number): number {
  if (codePoint < 0x20) return "\b\t\n\f\r".includes(String.fromCharCode(codePoint)) ? 2 : 6;
  if (codePoint === 0x22 || codePoint === 0x5c) return 2;
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  // Half of a surrogate pair is escaped.
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return CODE_UNIT_BYTES_MAX;
  return codePoint > 0xffff ? 4 : 3;
}

function parseJson(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return null;
  }
}
