/** What one message holds. */
export interface TextLimits {
  /** In UTF-16 code units; at least 8. */
  readonly lengthMax: number;
  /** In UTF-8 bytes, at least 8; `null` when only units count. */
  readonly bytesMax: number | null;
}

/** The lower of the two limits: what surely fits when every character is a byte. */
export function roomOf({ lengthMax, bytesMax }: TextLimits): number {
  return Math.min(lengthMax, bytesMax ?? lengthMax);
}

/** How far the text from `start` on fits, in code units. */
export function measureReach(text: string, start: number, limits: TextLimits): number {
  const reach = Math.min(limits.lengthMax, text.length - start);
  if (limits.bytesMax === null) return reach;
  let bytes = 0;
  for (let length = 0; length < reach; length += 1) {
    bytes += bytesAt(text, start + length);
    if (bytes > limits.bytesMax) return length;
  }
  return reach;
}

/** The length in UTF-8. */
export function countBytes(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at += 1) bytes += bytesAt(text, at);
  return bytes;
}

/**
 * The bytes of one code unit. A surrogate pair's four count for its first half, whether the
 * second has come already or not, so that a growing text never becomes shorter.
 */
function bytesAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  if ((code & 0xfc00) === 0xd800) return 4;
  const isSecondHalf = (code & 0xfc00) === 0xdc00 && at > 0;
  return isSecondHalf && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 ? 0 : 3;
}
