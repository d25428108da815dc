import { countBytes } from "./text-limits.ts";

/** A code block that is open at some place of a Markdown text. */
export interface Fence {
  /** The run of backticks or tildes that opens and closes it. */
  readonly marker: string;
  /** What stands behind the opening run, such as the language; "" for nothing. */
  readonly info: string;
}

/** Longer lines are never fence lines to us: nobody writes them, and looking stays cheap. */
const FENCE_LINE_LENGTH_MAX = 200;

/** An opening line may take this share of a message, for it is repeated in every part. */
const OPENING_SHARE_MAX = 1 / 6;

// Indented by more than three spaces it is a fence only inside a list item, directly behind the
// item's marker or below it. https://spec.commonmark.org/0.31.2/#fenced-code-blocks
const OPENING = /^[ \t]{0,12}(?:(?:[-*+]|\d{1,9}[.)])[ \t]{1,4})?(`{3,}|~{3,})(.*)$/s;

/**
 * The code block that is open after `line`, given the one open before it. An opening line longer
 * than `lengthMax` bytes opens nothing: repeating it would leave too little room in a message.
 */
export function fenceAfter(line: string, fence: Fence | null, lengthMax: number): Fence | null {
  if (line.length > FENCE_LINE_LENGTH_MAX) return fence;
  if (fence !== null) return closes(line, fence) ? null : fence;
  const [, marker, rest] = OPENING.exec(line) ?? [];
  if (marker === undefined || rest === undefined || countBytes(line) > lengthMax) return null;
  const info = rest.trim();
  // ```like this``` is code within a line.
  if (marker.startsWith("`") && info.includes("`")) return null;
  return { marker, info };
}

/** For messages that hold `room` characters. */
export function openingLengthMax(room: number): number {
  return Math.min(FENCE_LINE_LENGTH_MAX, Math.floor(room * OPENING_SHARE_MAX));
}

/** Whether `line` is the beginning of the line that closes the fence. */
export function beginsToClose(line: string, fence: Fence): boolean {
  const run = line.trim();
  return run !== "" && fence.marker.startsWith(run);
}

function closes(line: string, { marker }: Fence): boolean {
  const run = line.trim();
  return run.length >= marker.length && run === marker.charAt(0).repeat(run.length);
}
