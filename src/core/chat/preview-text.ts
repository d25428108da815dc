import { cutMarkdown } from "./markdown-cut.ts";
import type { TextLimits } from "./text-limits.ts";

/** One message's share of an answer that is still being written. */
export interface PreviewPart {
  readonly text: string;
  /** How much of the answer is shown when this part and those before it are. */
  readonly end: number;
}

/**
 * What may be shown of an unfinished answer, cut exactly as the finished one will be.
 *
 * Previews go out as plain text, with the Markdown as the model wrote it: half-written markup
 * means something else than what it becomes, and platforms refuse broken entities. So an open code
 * block or bold word does no harm; only half a character or half an escape at the end is left out,
 * and the last code block is not closed while it grows.
 */
export function previewParts(textSoFar: string, limits: TextLimits): PreviewPart[] {
  const parts = cutMarkdown(dropHalfCharacter(textSoFar), limits);
  return parts.map(({ text, end, closing }, index) => {
    const isGrowing = index === parts.length - 1;
    return { text: isGrowing ? text.slice(0, text.length - closing.length) : text, end };
  });
}

/** Leaves out what at the end waits for the character after it. */
export function dropHalfCharacter(text: string): string {
  // The first half of a surrogate pair, or what joins two emoji into one.
  const whole = text.replace(/[\ud800-\udbff]$/, "").replace(/\u200d$/, "");
  let slashes = 0;
  while (whole.at(-1 - slashes) === "\\") slashes += 1;
  return slashes % 2 === 1 ? whole.slice(0, -1) : whole;
}
