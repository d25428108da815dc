/** A place within one line at which a text may be cut; better kinds first. */
export interface InlineBreaks {
  /** Behind the last sentence that ends outside inline code; `null` for none. */
  readonly sentence: number | null;
  /** Before the last white space outside inline code. */
  readonly space: number | null;
  /** Before the last white space of all. */
  readonly anySpace: number | null;
}

/** From where to where something stands that should stay in one piece. */
export type Span = readonly [from: number, to: number];

const SENTENCE_END = /[.!?]/;
const WIDE_SENTENCE_END = /[。！？]/;
/** What may stand between the end of a sentence and the next one. */
const CLOSER = /["')\]*_”’」』）】》]/;
const CLOSERS_MAX = 4;
/** A cluster of more units than this, such as stacked accents, may be cut. */
const CLUSTER_LENGTH_MAX = 256;

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/**
 * The last breaks in `view` behind `from` and not behind `to`. It looks at no more than the
 * character at `to`, so that what follows later never changes the result.
 */
export function findInlineBreaks(
  view: string,
  from: number,
  to: number,
  spans: readonly Span[],
): InlineBreaks {
  let space: number | null = null;
  let anySpace: number | null = null;
  let span = spans.length - 1;
  for (let at = to; at > from; at -= 1) {
    const isSpace = isSpaceAt(view, at) && !isSpaceAt(view, at - 1);
    if (isSpace) anySpace ??= at;
    while (span >= 0 && (spans[span]?.[0] ?? 0) >= at) span -= 1;
    if (at < (spans[span]?.[1] ?? 0)) continue;
    if (isSpace) space ??= at;
    if (endsSentence(view, from, at, isSpace)) return { sentence: at, space, anySpace };
  }
  return { sentence: null, space, anySpace };
}

/**
 * Where inline code stands in the line that begins at `from`, in order. A run of backticks that
 * finds no partner counts as open to the end of the view: its partner may still come.
 */
export function findCodeSpans(view: string, from: number, to: number): Span[] {
  const line = view.slice(from, to);
  const runs = [...line.matchAll(/`+/g)].map((run) => ({ at: run.index, length: run[0].length }));
  const partners = new Array<number>(runs.length).fill(-1);
  const next = new Map<number, number>();
  for (let index = runs.length - 1; index >= 0; index -= 1) {
    const length = runs[index]?.length ?? 0;
    partners[index] = next.get(length) ?? -1;
    next.set(length, index);
  }
  const spans: Span[] = [];
  for (let index = 0; index < runs.length; index += 1) {
    const opening = runs[index];
    if (opening === undefined || backslashesBefore(line, opening.at) % 2 === 1) continue;
    const partner = partners[index] ?? -1;
    const closing = runs[partner];
    if (closing === undefined) {
      spans.push([from + opening.at, to + 1]);
      break;
    }
    spans.push([from + opening.at, from + closing.at + closing.length]);
    index = partner;
  }
  return spans;
}

/**
 * The last place not behind `to` that cuts no character in two, and no escape or inline code
 * either where that costs little: it does not go back behind `least` for inline code.
 */
export function findAnyCut(
  view: string,
  to: number,
  least: number,
  spans: readonly Span[],
): number {
  const span = spans.find(([from, end]) => from < to && to < end);
  const end = wholeCharacters(
    view,
    span !== undefined && span[0] >= Math.max(least, 1) ? span[0] : to,
  );
  return end > 1 && backslashesBefore(view, end) % 2 === 1 ? end - 1 : end;
}

function wholeCharacters(view: string, to: number): number {
  if (beginsCharacter(view, to)) return to;
  const end = to > 1 && isHighSurrogate(view.charCodeAt(to - 1)) ? to - 1 : to;
  const from = Math.max(0, end - CLUSTER_LENGTH_MAX);
  const next = end + (isHighSurrogate(view.charCodeAt(end)) ? 2 : 1);
  // Where the next character is only half known, so is where the one before it ends.
  const known = next <= view.length ? { end: next, at: end } : { end, at: end - 1 };
  const around = graphemes.segment(view.slice(from, known.end)).containing(known.at - from);
  const start = around?.index ?? 0;
  return start > 0 ? from + start : end;
}

/** Whether nothing before `at` can belong to the character there. Unsure counts as no. */
function beginsCharacter(view: string, at: number): boolean {
  const code = view.charCodeAt(at);
  if (view.charCodeAt(at - 1) === 0x0d) return code !== 0x0a;
  const isLatin = code < 0x300;
  const isHan = code >= 0x3400 && code <= 0x9fff;
  return isLatin || isHan;
}

function endsSentence(view: string, from: number, at: number, isSpace: boolean): boolean {
  const least = Math.max(from, at - 1 - CLOSERS_MAX);
  let end = at - 1;
  while (end > least && CLOSER.test(view.charAt(end))) end -= 1;
  const mark = view.charAt(end);
  if (WIDE_SENTENCE_END.test(mark)) return isSpace || !isCloserOrMark(view.charAt(at));
  return isSpace && SENTENCE_END.test(mark);
}

function isCloserOrMark(char: string): boolean {
  return CLOSER.test(char) || WIDE_SENTENCE_END.test(char);
}

function isSpaceAt(view: string, at: number): boolean {
  return view.charAt(at).trim() === "";
}

function isHighSurrogate(code: number): boolean {
  return (code & 0xfc00) === 0xd800;
}

function backslashesBefore(text: string, at: number): number {
  let count = 0;
  while (text[at - 1 - count] === "\\") count += 1;
  return count;
}
