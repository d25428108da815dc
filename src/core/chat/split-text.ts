import { cutMarkdown } from "./markdown-cut.ts";
import { type Fence, fenceAfter, openingLengthMax } from "./markdown-fence.ts";
import { countBytes, roomOf, type TextLimits } from "./text-limits.ts";

/** A text below twice this size is not worth two messages. About 200 Chinese characters. */
const PIECE_BYTES_MIN = 600;

/**
 * Cuts a Markdown text into parts that each fit one message, in time linear to its length.
 *
 * It cuts at paragraph borders before line breaks, sentence ends, spaces and only then anywhere;
 * never inside a character and, where it can be avoided, not inside code or an escape. A code
 * block that goes on over a cut is closed at the end of the part and opened again, with its
 * language, in the next. White space at a cut is dropped, indentation behind it is kept. So the
 * parts without the fences put in between hold the text, white space at the cuts aside.
 *
 * As a text grows, all of its parts but the last stay as they are. A text that holds nothing but
 * white space has no parts.
 */
export function splitMarkdown(text: string, limits: TextLimits): string[] {
  return cutMarkdown(text, limits).map((part) => part.text);
}

/**
 * Cuts a finished text for a platform where a message cannot be changed: a short one stays whole,
 * a longer one becomes up to `piecesMax` messages of about the same size, cut at paragraph
 * borders and never inside a code block. A text that does not fit that way is cut as
 * `splitMarkdown` does, into more pieces than `piecesMax` if need be.
 */
export function splitIntoPieces(
  text: string,
  limits: TextLimits & { readonly piecesMax: number },
): string[] {
  if (text.length > limits.piecesMax * limits.lengthMax) return splitMarkdown(text, limits);
  const whole = trimBlankLines(text);
  const wanted = Math.min(limits.piecesMax, Math.floor(countBytes(whole) / PIECE_BYTES_MIN));
  const borders = paragraphBorders(whole, roomOf(limits));
  for (let count = Math.max(1, wanted); count <= limits.piecesMax; count += 1) {
    const pieces = cutEvenly(whole, borders, count);
    const fitting = pieces.flatMap((piece) => splitMarkdown(piece, limits));
    if (fitting.length === pieces.length) return fitting;
  }
  return splitMarkdown(text, limits);
}

/** Cuts at the borders nearest to where pieces of equal size would end. */
function cutEvenly(text: string, borders: readonly number[], count: number): string[] {
  const cuts: number[] = [];
  let next = 0;
  for (let index = 1; index < count; index += 1) {
    const target = (text.length * index) / count;
    const distance = (at: number) => Math.abs((borders[at] ?? Number.POSITIVE_INFINITY) - target);
    while (next < borders.length - 1 && distance(next + 1) <= distance(next)) next += 1;
    const border = borders[next];
    if (border !== undefined) cuts.push(border);
    next += 1;
  }
  const ends = [...cuts, text.length];
  const pieces = ends.map((end, index) => trimBlankLines(text.slice(cuts[index - 1] ?? 0, end)));
  return pieces.filter((piece) => piece !== "");
}

/** Where blank lines outside of code blocks stand. */
function paragraphBorders(text: string, room: number): number[] {
  const borders: number[] = [];
  let fence: Fence | null = null;
  let isInText = false;
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(at, end);
    const isBlank = line.trim() === "";
    if (isBlank && isInText && fence === null) borders.push(at);
    isInText = !isBlank;
    fence = fenceAfter(line, fence, openingLengthMax(room));
    at = end + 1;
  }
  return borders;
}

function trimBlankLines(text: string): string {
  return text.trimEnd().replace(/^(?:[^\S\n]*\n)+/, "");
}
