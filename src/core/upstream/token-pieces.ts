import {
  CASELESS,
  characterAt,
  LETTER,
  LOWER,
  MARK,
  NEWLINE,
  NUMBER,
  SPACE,
  SYMBOL,
  UPPER,
  widthOf,
} from "./token-characters.ts";

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const BLANK = 0x20;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;
const [D, E, L, M, R, S, T, V] = [0x64, 0x65, 0x6c, 0x6d, 0x72, 0x73, 0x74, 0x76];
/** Makes a small letter of an ASCII capital. */
const TO_LOWER = 0x20;
const DIGITS_MAX = 3;
const NONE = -1;

type Phase = "begin" | "upper" | "lower" | "symbols" | "breaks" | "white space";

/**
 * Cuts text into the pieces that are encoded one by one, as o200k's split pattern does:
 *
 *     [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+('s|'t|'re|'ve|'m|'ll|'d)?
 *     [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*('s|'t|'re|'ve|'m|'ll|'d)?
 *     \p{N}{1,3}
 *      ?[^\s\p{L}\p{N}]+[\r\n/]*
 *     \s*[\r\n]+
 *     \s+(?!\S)
 *     \s+
 *
 * By hand, because the expression tracks back: here every character is looked at once or twice. The
 * text may grow behind a piece whose end is not certain; asked again, the scanner goes on there.
 */
export class PieceScanner {
  /** Whether the last piece, or how the text goes on after it, depends on what follows the text. */
  sawEnd = false;
  /** The piece that reached the end of the text, and where and in what it was then. */
  #openStart = NONE;
  #phase: Phase = "begin";
  #at = 0;
  /** Behind the last caseless letter of the word, or the last newline of the white space; 0 when none. */
  #mark = 0;

  /**
   * Where the piece that begins at `start` ends, if the text ends at `end`. When the last call was for
   * the same start, the text up to its end must be the same too; else call `forget` before.
   */
  next(bytes: Uint8Array, start: number, end: number): number {
    this.sawEnd = false;
    const stop =
      start === this.#openStart ? this.#resume(bytes, start, end) : this.#begin(bytes, start, end);
    this.#openStart = this.sawEnd ? start : NONE;
    return stop;
  }

  forget(): void {
    this.#openStart = NONE;
  }

  /** The first `count` bytes have been taken away, and were before the piece that is open. */
  shift(count: number): void {
    if (this.#openStart === NONE) return;
    this.#openStart -= count;
    this.#at -= count;
    if (this.#mark !== 0) this.#mark -= count;
  }

  #begin(bytes: Uint8Array, start: number, end: number): number {
    if (start === end) return this.#reach(end, "begin");
    const first = characterAt(bytes, start);
    if ((first & LETTER) !== 0) return this.#upper(bytes, start, end, 0);
    const second = start + widthOf(first);
    if ((first & NUMBER) !== 0) return this.#number(bytes, second, end);
    if ((first & NEWLINE) !== 0) return this.#whiteSpace(bytes, start, start, end, 0);
    if (second === end) return this.#reach(end, "begin");
    const next = characterAt(bytes, second);
    if ((next & LETTER) !== 0) return this.#upper(bytes, second, end, 0);
    if ((first & SYMBOL) !== 0) return this.#symbols(bytes, second, end);
    if ((next & SYMBOL) !== 0 && bytes[start] === BLANK) return this.#symbols(bytes, second, end);
    return this.#whiteSpace(bytes, start, start, end, 0);
  }

  #resume(bytes: Uint8Array, start: number, end: number): number {
    switch (this.#phase) {
      case "begin":
        return this.#begin(bytes, start, end);
      case "upper":
        return this.#upper(bytes, this.#at, end, this.#mark);
      case "lower":
        return this.#lower(bytes, this.#at, end);
      case "symbols":
        return this.#symbols(bytes, this.#at, end);
      case "breaks":
        return this.#breaks(bytes, this.#at, end);
      case "white space":
        return this.#whiteSpace(bytes, start, this.#at, end, this.#mark);
    }
  }

  /** Notes where to go on when more text has come. */
  #reach(at: number, phase: Phase, mark = 0): number {
    this.sawEnd = true;
    this.#phase = phase;
    this.#at = at;
    this.#mark = mark;
    return at;
  }

  /**
   * The capitals of a word, and caseless letters among them. If a small letter follows, the word goes
   * on; if not, it must end in a letter that may end it, so that capitals after `mark` are left over.
   */
  #upper(bytes: Uint8Array, from: number, end: number, caseless: number): number {
    let at = from;
    let mark = caseless;
    while (at < end) {
      const character = characterAt(bytes, at);
      if ((character & (UPPER | CASELESS | MARK)) === 0) {
        if ((character & LOWER) !== 0) return this.#lower(bytes, at, end);
        if (mark !== 0 && mark < at) return mark;
        return this.#contraction(bytes, at, end, "upper", mark);
      }
      at += widthOf(character);
      if ((character & UPPER) === 0) mark = at;
    }
    this.#reach(at, "upper", mark);
    return mark === 0 ? at : mark;
  }

  #lower(bytes: Uint8Array, from: number, end: number): number {
    const at = runEnd(bytes, from, end, LOWER | CASELESS | MARK);
    return at === end ? this.#reach(at, "lower") : this.#contraction(bytes, at, end, "lower", 0);
  }

  /** The word with its 's, 't, 'm, 'd, 're, 've or 'll, if one of these comes at `at`. */
  #contraction(bytes: Uint8Array, at: number, end: number, phase: Phase, mark: number): number {
    if (bytes[at] !== APOSTROPHE) return at;
    if (at + 1 === end) return this.#reach(at, phase, mark);
    const first = (bytes[at + 1] as number) | TO_LOWER;
    if (first === S || first === T || first === M || first === D) return at + 2;
    const second = first === R || first === V ? E : first === L ? L : NONE;
    if (second === NONE) return at;
    if (at + 2 === end) return this.#reach(at, phase, mark);
    return ((bytes[at + 2] as number) | TO_LOWER) === second ? at + 3 : at;
  }

  #number(bytes: Uint8Array, second: number, end: number): number {
    let at = second;
    for (let digits = 1; digits < DIGITS_MAX; digits++) {
      if (at === end) return this.#reach(at, "begin");
      const character = characterAt(bytes, at);
      if ((character & NUMBER) === 0) break;
      at += widthOf(character);
    }
    return at;
  }

  #symbols(bytes: Uint8Array, from: number, end: number): number {
    const at = runEnd(bytes, from, end, SYMBOL | MARK);
    return at === end ? this.#reach(at, "symbols") : this.#breaks(bytes, at, end);
  }

  #breaks(bytes: Uint8Array, from: number, end: number): number {
    for (let at = from; at < end; at++) {
      const byte = bytes[at];
      if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN && byte !== SLASH) return at;
    }
    return this.#reach(end, "breaks");
  }

  /** All of it when the text ends, else up to its last newline, else all but what may begin a word. */
  #whiteSpace(
    bytes: Uint8Array,
    start: number,
    from: number,
    end: number,
    newline: number,
  ): number {
    let at = from;
    let last = from;
    let mark = newline;
    while (at < end) {
      const character = characterAt(bytes, at);
      if ((character & (NEWLINE | SPACE)) === 0) {
        if (mark !== 0) return mark;
        return last === start ? at : last;
      }
      last = at;
      at += widthOf(character);
      if ((character & NEWLINE) !== 0) mark = at;
    }
    this.#reach(last, "white space", mark);
    return mark === 0 ? at : mark;
  }
}

function runEnd(bytes: Uint8Array, from: number, end: number, kinds: number): number {
  let at = from;
  while (at < end) {
    const character = characterAt(bytes, at);
    if ((character & kinds) === 0) break;
    at += widthOf(character);
  }
  return at;
}
