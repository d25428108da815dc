/**
 * What a character is to the split pattern. One bit each, so that membership in several is one test.
 */
export const UPPER = 1;
export const LOWER = 2;
/** A letter without case: Chinese, Arabic, modifiers. It continues words of upper and of lower case. */
export const CASELESS = 4;
/** A combining mark: like a caseless letter inside words, like a symbol among symbols. */
export const MARK = 8;
export const NUMBER = 16;
export const NEWLINE = 32;
/** White space other than `NEWLINE`. */
export const SPACE = 64;
export const SYMBOL = 128;

/** Whatever a word can consist of. */
export const LETTER = UPPER | LOWER | CASELESS | MARK;

/** In the order of the bits above. */
const PATTERN =
  /([\p{Lu}\p{Lt}])|(\p{Ll})|([\p{Lm}\p{Lo}])|(\p{M})|(\p{N})|([\r\n])|(\s)|([^\s\p{L}\p{M}\p{N}])/u;

const WIDTH_SHIFT = 8;
const ASCII_END = 0x80;

/** The kind of each code point; 0 until it is first met. */
const kinds = new Uint8Array(0x110000);

/** Kind and width of the ASCII characters, as `characterAt` answers them. */
const ascii = Uint16Array.from({ length: ASCII_END }, (_, codePoint) => {
  return kindOf(codePoint) | (1 << WIDTH_SHIFT);
});

/**
 * The kind of the character at a place in well-formed UTF-8, with its number of bytes above it
 * (`widthOf`): both are wanted at every step, and reading the character gives both.
 */
export function characterAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  return lead < ASCII_END ? (ascii[lead] as number) : wideCharacterAt(bytes, at, lead);
}

/** How many bytes the character takes. */
export function widthOf(character: number): number {
  return character >> WIDTH_SHIFT;
}

function wideCharacterAt(bytes: Uint8Array, at: number, lead: number): number {
  const second = (bytes[at + 1] as number) & 0x3f;
  if (lead < 0xe0) return kindOf(((lead & 0x1f) << 6) | second) | (2 << WIDTH_SHIFT);
  const third = (bytes[at + 2] as number) & 0x3f;
  const upper = (second << 6) | third;
  if (lead < 0xf0) return kindOf(((lead & 0x0f) << 12) | upper) | (3 << WIDTH_SHIFT);
  const fourth = (bytes[at + 3] as number) & 0x3f;
  return kindOf(((lead & 0x07) << 18) | (upper << 6) | fourth) | (4 << WIDTH_SHIFT);
}

function kindOf(codePoint: number): number {
  const kind = kinds[codePoint] as number;
  return kind === 0 ? learnKind(codePoint) : kind;
}

// Asked of the regular expressions of this engine, so that both always mean the same Unicode. One by
// one, because all at once take 70 ms and a text uses few.
function learnKind(codePoint: number): number {
  const groups = PATTERN.exec(String.fromCodePoint(codePoint)) ?? [];
  const kind = 1 << (groups.findLastIndex((group) => group !== undefined) - 1);
  kinds[codePoint] = kind;
  return kind;
}
