// How a token index hashes bytes. Part of it and not of its class, so that the compiler sees plain functions.

/** What the hash of bytes is multiplied by before the next byte is added. */
export const HASH_BASE = 0x01000193;
/** An entry holds the token plus one in its lower bits and the upper bits of the hash above them. */
const TOKEN_BITS = 18;
export const TOKEN_MASK = 2 ** TOKEN_BITS - 1;
/** Sixteen marks of two bits are in one number. */
export const MARK_WORD_BITS = 17;

/** Three bytes that are one character, as most Chinese ones are. */
export function isWide(first: number, second: number, third: number): boolean {
  return (first & 0xf0) === 0xe0 && (second & 0xc0) === 0x80 && (third & 0xc0) === 0x80;
}

/** The code point of such bytes. */
export function wideCode(first: number, second: number, third: number): number {
  return ((first & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f);
}

/** The hash of bytes and one more; that of one byte is the byte. */
export function extend(hash: number, byte: number): number {
  return (Math.imul(hash, HASH_BASE) + byte) | 0;
}

/** Spreads a hash, so that its upper bits tell apart what its lower bits do. */
export function mix(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x9e3779b1);
}

/** Which two of the 32 bits of its word, from the bits below those that name the word. */
export function markPlace(mixed: number): number {
  return ((mixed >>> (32 - MARK_WORD_BITS - 4)) & 15) * 2;
}

/** Whether an entry of the table may be of that hash. */
export function isEntryOf(hash: number, entry: number): boolean {
  return (entry ^ hash) >>> TOKEN_BITS === 0;
}
