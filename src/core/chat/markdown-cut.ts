import assert from "node:assert/strict";
import { type Fence, fenceAfter, openingLengthMax } from "./markdown-fence.ts";
import { PartCutter } from "./part-cutter.ts";
import { roomOf, type TextLimits } from "./text-limits.ts";

/** One message's share of a longer text. */
export interface MarkdownPart {
  /** Which stretch of the whole text it shows. */
  readonly start: number;
  readonly end: number;
  /** The stretch, with an opening fence before and a closing one behind it where it needs them. */
  readonly text: string;
  /** What was put behind the stretch; "" when nothing was. */
  readonly closing: string;
}

/** Room in which an indented line keeps its indentation at the start of a part. */
const INDENT_SHARE_MAX = 1 / 8;
/** A closing fence is looked for in so many units; longer lines close nothing. */
const CLOSING_LINE_LENGTH_MAX = 256;

/**
 * Cuts a Markdown text into parts that each fit one message, as `splitMarkdown` describes, in
 * time linear to its length.
 *
 * Each cut is chosen from the text before it, the white space behind the room and nothing later,
 * and only once the text can never fit again. So the parts of a text, all but the last, are the
 * first parts of every longer text that begins with it.
 */
export function cutMarkdown(text: string, limits: TextLimits): MarkdownPart[] {
  const room = roomOf(limits);
  assert(room >= 8, "a message holds at least 8 characters");
  const end = text.trimEnd().length;
  const parts: MarkdownPart[] = [];
  let fence: Fence | null = null;
  let start = skipBlank(text, 0, end, room);
  while (start < end) {
    const part = new PartCutter({ text, start, end }, fence, limits).cut();
    assert(part.consumed > 0);
    // At the very end the beginning of a closing fence may be all that is left.
    if (part.length > 0) {
      parts.push({ start, end: start + part.length, text: part.text, closing: part.closing });
    }
    const done = skipClosingLine(text, start + part.consumed, end, part.fence, room);
    start = skipBlank(text, done.at, end, room);
    fence = done.fence;
  }
  return parts;
}

/** Skips blank lines, and spaces in the middle of a line, but keeps the indentation of a line. */
function skipBlank(text: string, from: number, end: number, room: number): number {
  const isLineStart = from === 0 || text[from - 1] === "\n";
  let lineStart = isLineStart ? from : Number.POSITIVE_INFINITY;
  let at = from;
  for (; at < end && text.charAt(at).trim() === ""; at += 1) {
    if (text[at] === "\n") lineStart = at + 1;
  }
  return lineStart <= at && at - lineStart <= room * INDENT_SHARE_MAX ? lineStart : at;
}

/** Where code was cut right before the fence that ends it there is nothing to open again. */
function skipClosingLine(
  text: string,
  from: number,
  end: number,
  fence: Fence | null,
  room: number,
): { readonly at: number; readonly fence: Fence | null } {
  const at = skipBlank(text, from, end, room);
  const isLineStart = text[at - 1] === "\n";
  if (fence === null || !isLineStart) return { at: from, fence };
  const ahead = text.slice(at, Math.min(end, at + CLOSING_LINE_LENGTH_MAX));
  const [line = ""] = ahead.split("\n", 1);
  const isClosing = fenceAfter(line, fence, openingLengthMax(room)) === null;
  return isClosing ? { at: at + line.length, fence: null } : { at: from, fence };
}
