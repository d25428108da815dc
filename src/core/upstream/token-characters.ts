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

/** Characters of one kind, in the order of the bits above. */
const RUNS =
  /([\p{Lu}\p{Lt}]+)|(\p{Ll}+)|([\p{Lm}\p{Lo}]+)|(\p{M}+)|(\p{N}+)|([\r\n]+)|([^\S\r\n]+)|([^\s\p{L}\p{M}\p{N}]+)/gu;

const utf16 = new TextDecoder("utf-16le");

const ASTRAL = 0x10000;
/** So many kinds are learnt at once; far up most characters are alike. */
const BLOCK_LENGTH = 256;
const ASTRAL_BLOCK_LENGTH = 4096;

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

// Asked of the regular expressions of this engine, so that both always mean the same Unicode. By blocks,
// because all at once take a while and a text uses few, and one by one a strange text takes long.
// Well-formed text has no surrogates, so that they are not in between.
function learnKind(codePoint: number): number {
  const length = codePoint < ASTRAL ? BLOCK_LENGTH : ASTRAL_BLOCK_LENGTH;
  let at = codePoint - (codePoint % length);
  for (const [run, ...groups] of textOf(at, length).matchAll(RUNS)) {
    const count = codePoint < ASTRAL ? run.length : run.length / 2;
    kinds.fill(1 << groups.findIndex((group) => group !== undefined), at, at + count);
    at += count;
  }
  return kinds[codePoint] as number;
}

/** So many characters from one on. */
function textOf(first: number, length: number): string {
  const isAstral = first >= ASTRAL;
  const units = new Uint16Array(isAstral ? length * 2 : length);
  for (let index = 0; index < length; index++) {
    const codePoint = first + index;
    if (isAstral) {
      units[index * 2] = 0xd800 + ((codePoint - ASTRAL) >> 10);
      units[index * 2 + 1] = 0xdc00 + (codePoint & 0x3ff);
    } else units[index] = codePoint;
  }
  return utf16.decode(units);
}
