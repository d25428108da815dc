import { findAnyCut, findCodeSpans, findInlineBreaks, type Span } from "./inline-cut.ts";
import { beginsToClose, type Fence, fenceAfter, openingLengthMax } from "./markdown-fence.ts";
import { countBytes, measureReach, roomOf, type TextLimits } from "./text-limits.ts";

/** A place to cut at, counted from the start of the part, and the code block it is in. */
interface Break {
  readonly at: number;
  readonly fence: Fence | null;
}

/** What one look over a message's worth of text finds. */
interface Scan {
  /** Where the text ends, when all that is left of it fits. */
  readonly whole: Break | null;
  /** The last place of each kind that leaves room for the closing fence it would need. */
  readonly paragraph: Break | null;
  readonly lineOutsideCode: Break | null;
  readonly lineInCode: Break | null;
  /** The line in which the room ends. */
  readonly lastLine: Break;
}

/** One message's share of a text, and where the next one begins. */
export interface CutPart {
  /** Length of the stretch it shows, without white space at the end; may be 0 for the last part. */
  readonly length: number;
  readonly text: string;
  readonly closing: string;
  /** Length of the text that is done with. */
  readonly consumed: number;
  /** What is open behind it and has to be opened again. */
  readonly fence: Fence | null;
}

/** A part is shorter than this share of a message only when there is no other way. */
const FILL_SHARE_MIN = 1 / 3;

/** Cuts the next part from a text; see `cutMarkdown`. */
export class PartCutter {
  readonly #text: string;
  readonly #start: number;
  readonly #textEnd: number;
  readonly #limits: TextLimits;
  readonly #opened: Fence | null;
  readonly #opening: string;
  readonly #reaches = new Map<number, number>();
  /** The room and one character more, so that what stands at its border is known. */
  readonly #view: string;
  /** The line that closes the block which the part opens again. */
  #closingLine: { readonly at: number; readonly indent: number } | null = null;

  constructor(
    source: { readonly text: string; readonly start: number; readonly end: number },
    opened: Fence | null,
    limits: TextLimits,
  ) {
    this.#text = source.text;
    this.#start = source.start;
    this.#textEnd = source.end;
    this.#limits = limits;
    this.#opened = opened;
    this.#opening = opened === null ? "" : `${opened.marker}${opened.info}\n`;
    this.#view = source.text.slice(
      source.start,
      Math.min(source.end, source.start + this.#reach(null) + 1),
    );
  }

  cut(): CutPart {
    const scan = this.#scan();
    const { at, fence } = scan.whole ?? this.#choose(scan);
    const length = this.#view.slice(0, at).trimEnd().length;
    const closing = fence === null ? "" : `\n${fence.marker}`;
    return {
      length,
      text: this.#opening + this.#body(length) + closing,
      closing,
      consumed: scan.whole === null ? at : this.#view.length,
      fence,
    };
  }

  #scan(): Scan {
    let fence = this.#opened;
    let at = 0;
    let paragraph: Break | null = null;
    let lineOutsideCode: Break | null = null;
    let lineInCode: Break | null = null;
    for (let end = this.#lineEnd(at); end !== -1; end = this.#lineEnd(at)) {
      const line = this.#view.slice(at, end);
      const after = this.#fenceAfter(line, at, fence);
      const opens = fence === null && after !== null;
      if (line.trim() !== "" && !opens) {
        if (end > this.#reach(after)) break;
        const found = { at: end, fence: after };
        if (after !== null) lineInCode = found;
        else if (fence !== null || this.#isBlankLineAt(end + 1)) paragraph = found;
        else lineOutsideCode = found;
      }
      fence = after;
      at = end + 1;
    }
    const lastLine = { at, fence };
    const whole = this.#wholeFrom(lastLine);
    return { whole, paragraph, lineOutsideCode, lineInCode, lastLine };
  }

  /** The end of the text when `lastLine` is its last one and fits with what must close it. */
  #wholeFrom({ at, fence }: Break): Break | null {
    const length = this.#textEnd - this.#start;
    if (length > this.#reach(null) || this.#lineEnd(at) !== -1) return null;
    if (fence === null) return { at: length, fence };
    const line = this.#view.slice(at);
    if (this.#fenceAfter(line, at, fence) === null) return { at: length, fence: null };
    if (beginsToClose(line, fence)) {
      const hasRoom = this.#view.slice(0, at).trimEnd().length <= this.#reach(fence);
      return hasRoom ? { at, fence } : { at: length, fence: null };
    }
    return length <= this.#reach(fence) ? { at: length, fence } : null;
  }

  #choose(scan: Scan): Break {
    const { at: lineStart, fence } = scan.lastLine;
    const limit = this.#reach(fence);
    const least = Math.floor(limit * FILL_SHARE_MIN);
    const lines = [scan.paragraph, scan.lineOutsideCode, scan.lineInCode];
    const line = lines.find((found) => found !== null && found.at >= least);
    if (line) return line;

    const spans = this.#codeSpans(scan.lastLine);
    const breaks = findInlineBreaks(this.#view, lineStart, limit, spans);
    const inline = fence === null ? [breaks.sentence, breaks.space] : [breaks.anySpace];
    const at = inline.find((found) => found !== null && found >= least);
    if (at) return { at, fence };

    const anyLine = lines.find((found) => found !== null);
    if (anyLine) return anyLine;
    const anyAt = inline.find((found) => found !== null) ?? breaks.anySpace;
    return { at: anyAt ?? findAnyCut(this.#view, limit, least, spans), fence };
  }

  #codeSpans({ at, fence }: Break): Span[] {
    const end = this.#view.length;
    return fence === null ? findCodeSpans(this.#view, at, end) : [[0, end + 1]];
  }

  /** A closing fence in a list item may be indented more than one outside of it may. */
  #body(length: number): string {
    const body = this.#view.slice(0, length);
    const closingLine = this.#closingLine;
    if (closingLine === null || closingLine.indent <= 3 || closingLine.at >= length) return body;
    return body.slice(0, closingLine.at) + body.slice(closingLine.at + closingLine.indent);
  }

  #fenceAfter(line: string, at: number, fence: Fence | null): Fence | null {
    const after = fenceAfter(line, fence, openingLengthMax(roomOf(this.#limits)));
    if (fence !== null && fence === this.#opened && after === null) {
      this.#closingLine ??= { at, indent: line.length - line.trimStart().length };
    }
    return after;
  }

  #lineEnd(at: number): number {
    return this.#view.indexOf("\n", at);
  }

  #isBlankLineAt(at: number): boolean {
    let end = this.#start + at;
    while (end < this.#textEnd && " \t\r".includes(this.#text.charAt(end))) end += 1;
    return this.#text[end] === "\n";
  }

  /** How much of the text fits beside the fences that an end inside of `fence` needs. */
  #reach(fence: Fence | null): number {
    const closingLength = fence === null ? 0 : fence.marker.length + 1;
    const known = this.#reaches.get(closingLength);
    if (known !== undefined) return known;
    const { lengthMax, bytesMax } = this.#limits;
    const reach = measureReach(this.#text, this.#start, {
      lengthMax: lengthMax - this.#opening.length - closingLength,
      bytesMax: bytesMax === null ? null : bytesMax - countBytes(this.#opening) - closingLength,
    });
    this.#reaches.set(closingLength, reach);
    return reach;
  }
}
